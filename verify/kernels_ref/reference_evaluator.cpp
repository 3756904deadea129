#include <fmt/format.h>

#include <new>
#include <stdexcept>

#include "verify/exec/kernel_index.h"

namespace onnxopt {
namespace {

class ReferenceEvaluator : public Evaluator {
 public:
  explicit ReferenceEvaluator(std::span<const Kernel> kernels) : lists_{kernels}, index_(lists_) { env_.folding = true; }

  Maybe<std::vector<Tensor>> evaluate(const OpCall& call, std::span<const Tensor> inputs) override {
    using Result = Maybe<std::vector<Tensor>>;
    if (call.op->has(kOpaque)) return Result::none("a custom operator");
    if (call.op->has(kControlFlow)) return Result::none("control flow");
    for (const Attribute& a : *call.attrs)
      if (a.is_ref()) return Result::none("attribute '" + a.name + "' is the caller's");
    try {
      Maybe<RunFn> fn = index_.prepare(call, env_);
      if (!fn) return Result::none(fn.reason);
      in_.assign(inputs.size(), RtValue());
      for (std::size_t i = 0; i < inputs.size(); ++i)
        if (inputs[i]) in_[i].v = inputs[i];
      out_.assign(call.num_outputs, RtValue());
      KernelIo io(in_, out_);
      (*fn)(io);
      std::vector<Tensor> results;
      results.reserve(out_.size());
      for (RtValue& v : out_) {
        if (!v.is_tensor() && !v.empty()) return Result::none("the result is not a tensor");
        results.push_back(v.empty() ? Tensor() : v.tensor());
      }
      in_.clear();
      out_.clear();
      return results;
    } catch (const Error& e) {
      return Result::none(e.what());
    } catch (const std::bad_alloc&) {
      return Result::none("not enough memory for the result");
    } catch (const std::length_error&) {
      return Result::none("the result is too large");
    } catch (const std::out_of_range&) {
      return Result::none("ranks or attributes do not fit");
    }
  }

 private:
  std::span<const Kernel> lists_[1];
  KernelIndex index_;
  ExecEnv env_;
  std::vector<RtValue> in_, out_;
};

}  // namespace

std::unique_ptr<Evaluator> reference_evaluator() { return std::make_unique<ReferenceEvaluator>(reference_kernels()); }

}  // namespace onnxopt
