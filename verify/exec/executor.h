// Executor: takes a graph, plans once, runs many times. Kernel lists are ordered, fastest first, the reference last.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "ir/core/evaluator.h"
#include "ir/core/model.h"

namespace onnxopt {

// A run-time value of any ONNX type.
struct RtValue;
using RtSequence = std::vector<RtValue>;
struct RtMap { std::vector<std::pair<std::variant<std::int64_t, std::string>, RtValue>> entries; DType key = DType::int64; };   // insertion order
struct RtValue {
  // monostate: an empty optional (or an omitted input)
  std::variant<std::monostate, Tensor, std::shared_ptr<const RtSequence>, std::shared_ptr<const RtMap>, std::shared_ptr<const SparseTensor>> v;
  Type type;                              // of sequences and optionals, whose element type data may not show; else unknown
  RtValue() = default;
  RtValue(Tensor t) : v(std::move(t)) {}  // NOLINT: implicit by design
  bool is_tensor() const { return std::holds_alternative<Tensor>(v); }
  const Tensor& tensor() const { return std::get<Tensor>(v); }
  bool empty() const { return v.index() == 0; }
};

// What a kernel gets at run time. Inputs: empty RtValue = omitted.
struct ExecEnv;
class KernelIo {
 public:
  KernelIo(std::span<const RtValue> in, std::span<RtValue> out) : in_(in), out_(out) {}
  std::size_t num_inputs() const { return in_.size(); }
  std::size_t num_outputs() const { return out_.size(); }
  bool has(std::size_t i) const { return i < in_.size() && !in_[i].empty(); }
  const RtValue& value(std::size_t i) const { return in_[i]; }
  const Tensor& in(std::size_t i) const { return in_[i].tensor(); }
  void set(std::size_t i, RtValue v) { if (i < out_.size()) out_[i] = std::move(v); }

 private:
  std::span<const RtValue> in_;
  std::span<RtValue> out_;
};

// Errors at run time (index out of range, shapes that do not match) are Error(bad_input); the executor adds the node.
using RunFn = std::function<void(KernelIo&)>;
// `prepare`: here is a function, or no, because ... Input types may be unknown at prepare time.
struct Kernel { std::string_view domain, op; int since_min, since_max; Maybe<RunFn> (*prepare)(const OpCall&, ExecEnv&); };
std::span<const Kernel> reference_kernels();           // verify/kernels_ref/table.cpp

struct ExecEnv { Model* model = nullptr; std::uint64_t seed = 0; std::function<std::vector<RtValue>(Graph&, std::vector<RtValue> inputs)> run_subgraph; };

struct ExecOptions { std::vector<std::span<const Kernel>> backends; std::uint64_t seed = 0; double deadline_s = 0; /* 0: none; else Error(gate_failed) "timed out" */ };

class Executor {
 public:
  using Tap = std::function<void(const Value&, const RtValue&)>;
  // The model may be lifted or not; every node needs a kernel of its own version: unsupported() lists those that have none, with reasons.
  explicit Executor(Model& model, ExecOptions options = {});
  ~Executor();
  struct Unsupported { const Node* node; std::string reason; };
  const std::vector<Unsupported>& unsupported() const;
  // Inputs in order of graph().inputs() without constants; throws Error(bad_input) naming the node.
  std::vector<RtValue> run(const std::vector<RtValue>& inputs, const Tap& tap = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The Evaluator over the reference kernels.
std::unique_ptr<Evaluator> reference_evaluator();

}  // namespace onnxopt
