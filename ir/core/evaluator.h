// Evaluator: computes one operator on constants. Passes get it through their context (constant folding, numeric checks); verify implements it.
#pragma once

#include <span>
#include <vector>

#include "ir/core/graph.h"

namespace onnxopt {

// An operator application without a graph: what a kernel needs to know of a node.
struct OpCall {
  const OpSchema* op = nullptr;
  const Attrs* attrs = nullptr;
  std::size_t num_outputs = 1;
  const Node* node = nullptr;  // null where the call has no node; control flow needs it for subgraphs
};

class Evaluator {
 public:
  virtual ~Evaluator() = default;
  // Inputs: empty Tensor = omitted. Outputs: as many as call.num_outputs. None with a reason: no kernel, undefined by the spec, nondeterministic,
  // or a failure such as division by zero or an index out of range. Never throws for those.
  virtual Maybe<std::vector<Tensor>> evaluate(const OpCall& call, std::span<const Tensor> inputs) = 0;
};

}  // namespace onnxopt
