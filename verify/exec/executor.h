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
struct RtMap {
  std::vector<std::pair<std::variant<std::int64_t, std::string>, RtValue>> entries;
  DType key = DType::int64;
};  // insertion order
struct RtValue {
  // monostate: an empty optional (or an omitted input)
  std::variant<std::monostate, Tensor, std::shared_ptr<const RtSequence>, std::shared_ptr<const RtMap>, std::shared_ptr<const SparseTensor>> v;
  Type type;  // of sequences and optionals, whose element type data may not show; else unknown
  RtValue() = default;
  RtValue(Tensor t);  // NOLINT: implicit by design
  RtValue(const RtValue&);
  RtValue(RtValue&&) noexcept;
  RtValue& operator=(const RtValue&);
  RtValue& operator=(RtValue&&) noexcept;
  ~RtValue();
  bool is_tensor() const { return std::holds_alternative<Tensor>(v); }
  const Tensor& tensor() const { return std::get<Tensor>(v); }
  bool empty() const { return v.index() == 0; }
};

// What a kernel gets at run time. Inputs: empty RtValue = omitted.
class KernelIo {
 public:
  KernelIo(std::span<const RtValue> in, std::span<RtValue> out) : in_(in), out_(out) {}
  std::size_t num_inputs() const { return in_.size(); }
  std::size_t num_outputs() const { return out_.size(); }
  bool has(std::size_t i) const { return i < in_.size() && !in_[i].empty(); }
  const RtValue& value(std::size_t i) const { return in_[i]; }
  const Tensor& in(std::size_t i) const;  // Error(bad_input) where it is missing or no tensor
  void set(std::size_t i, RtValue v);

 private:
  std::span<const RtValue> in_;
  std::span<RtValue> out_;
};

// Errors at run time (index out of range, shapes that do not match) are Error(bad_input); the executor adds the node.
using RunFn = std::function<void(KernelIo&)>;
struct ExecEnv;
// `prepare`: here is a function, or no, because ... Input types may be unknown at prepare time.
// An entry serves the rows of `op` whose `since` lies in [since_min, since_max].
struct Kernel {
  std::string_view domain, op;
  int since_min, since_max;
  Maybe<RunFn> (*prepare)(const OpCall&, ExecEnv&);
};
std::span<const Kernel> reference_kernels();  // verify/kernels_ref/table.cpp

// What a kernel may ask of its surroundings. One per planned graph; it outlives the kernel's function, which may keep a reference.
struct ExecEnv {
  Model* model = nullptr;  // null in an Evaluator
  std::uint64_t seed = 0;  // of random operators, mixed with the node's id
  bool folding = false;    // true: what the specification leaves undefined must be refused with an Error
  // Runs a subgraph of the node on all its inputs; captured values come from the enclosing frames.
  std::function<std::vector<RtValue>(Graph&, std::vector<RtValue> inputs)> run_subgraph;
  std::int64_t nchwc_block = 0;  // of com.microsoft.nchwc (ir/ops/nchwc.h); 0: nobody asked yet
};

struct ExecOptions {
  std::vector<std::span<const Kernel>> backends;  // fastest first; empty: the reference kernels
  std::uint64_t seed = 0;
  double deadline_s = 0;  // 0: none; else run() throws Error(gate_failed) "timed out"
  // Asked for the outputs of a node that has no kernel; false: cannot say either (run() throws).
  std::function<bool(const Node&, KernelIo&)> fallback = {};
};

class Executor {
 public:
  // Sees every value as it is computed, those of subgraphs and functions too, and may replace it (isolated comparison, rounding noise).
  using Tap = std::function<void(const Value&, RtValue&)>;
  // The model may be lifted or not; every node needs a kernel of its own version: unsupported() lists those that have none, with reasons.
  // The model must stay as it is while the executor lives.
  explicit Executor(Model& model, ExecOptions options = {});
  ~Executor();
  struct Unsupported {
    const Node* node;
    std::string reason;
  };
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
