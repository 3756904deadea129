#include "verify/exec/executor.h"

#include <fmt/format.h>

#include "verify/exec/plan.h"

namespace onnxopt {
namespace {

void check_input(const Value& v, const RtValue& given) {
  if (!v.type.is_tensor() || !given.is_tensor() || v.type.dtype == DType::undefined) return;
  if (given.tensor().dtype() != v.type.dtype)
    bad_input(fmt::format("input '{}' must be {}, not {}", v.name(), dtype_name(v.type.dtype), dtype_name(given.tensor().dtype())));
}

}  // namespace

RtValue::RtValue(Tensor t) : v(std::move(t)) {}
RtValue::RtValue(const RtValue&) = default;
RtValue::RtValue(RtValue&&) noexcept = default;
RtValue& RtValue::operator=(const RtValue&) = default;
RtValue& RtValue::operator=(RtValue&&) noexcept = default;
RtValue::~RtValue() = default;

const Tensor& KernelIo::in(std::size_t i) const {
  if (!has(i)) bad_input(fmt::format("input {} is missing", i));
  if (!in_[i].is_tensor()) bad_input(fmt::format("input {} is not a tensor", i));
  return in_[i].tensor();
}

void KernelIo::set(std::size_t i, RtValue v) {
  if (i < out_.size()) out_[i] = std::move(v);
}

static ExecOptions with_backends(ExecOptions o) {
  if (o.backends.empty()) o.backends = {reference_kernels()};
  return o;
}

struct Executor::Impl {
  Model& model;
  ExecOptions options;
  PlanContext context;
  std::unique_ptr<Plan> plan;
  std::vector<const Value*> inputs;

  Impl(Model& m, ExecOptions o)
      : model(m), options(with_backends(std::move(o))), context{m, options, KernelIndex(options.backends), {}, {}, nullptr, {}} {
    plan = std::make_unique<Plan>(context, m.graph(), nullptr, nullptr);
    for (const Value* v : m.graph().inputs())
      if (!v->constant()) inputs.push_back(v);
  }
};

Executor::Executor(Model& model, ExecOptions options) : impl_(std::make_unique<Impl>(model, std::move(options))) {}
Executor::~Executor() = default;
const std::vector<Executor::Unsupported>& Executor::unsupported() const { return impl_->context.unsupported; }

std::vector<RtValue> Executor::run(const std::vector<RtValue>& inputs, const Tap& tap) {
  Impl& impl = *impl_;
  if (inputs.size() != impl.inputs.size()) bad_input(fmt::format("the model takes {} inputs, {} given", impl.inputs.size(), inputs.size()));
  for (std::size_t i = 0; i < inputs.size(); ++i) check_input(*impl.inputs[i], inputs[i]);
  impl.context.tap = tap ? &tap : nullptr;
  impl.context.deadline = std::chrono::steady_clock::now() +
                          std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(impl.options.deadline_s));
  return impl.plan->run(inputs);
}

}  // namespace onnxopt
