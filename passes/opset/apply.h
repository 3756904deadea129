// Putting a draft into the graph.
#pragma once

#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "passes/opset/draft.h"

namespace onnxopt {

// Small constants that steps make are shared inside a graph: one axes [1] for ten thousand Unsqueeze.
class ConstantPool {
 public:
  explicit ConstantPool(Graph& g) : graph_(g) {}
  Value& get(const Tensor& t, std::string_view name_hint);

 private:
  Graph& graph_;
  std::unordered_map<std::uint64_t, std::vector<Value*>> by_hash_;  // looked up only, never iterated
};

// Makes `n` what the draft says: op, attributes, inputs, outputs. Helpers go in front of it, in the rows and forms given (one draft each, newest
// versions or lowered). Returns the helper nodes.
std::vector<Node*> apply(const Draft& d, std::span<const Draft> helpers, Node& n, ConstantPool& pool);

}  // namespace onnxopt
