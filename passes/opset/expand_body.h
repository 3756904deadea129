// The bodies of loops that decompositions make.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "ir/core/model.h"
#include "passes/opset/expand.h"

namespace onnxopt {

// A subgraph under construction. Values of the graph around it may be used as they are.
class ExpansionBody {
 public:
  ExpansionBody(Expansion& e, const char* name) : graph_(std::make_shared<Graph>(e.node().graph()->model())) { graph_->name = name; }

  Value* input(const char* hint, const Type& t);
  Node& make(std::string_view op_name, std::vector<Value*> inputs, Attrs attrs = {}, std::size_t outputs = 1);
  Value* op(std::string_view op_name, std::vector<Value*> inputs, Attrs attrs = {});
  // The nodes of `from`, whose inputs are `inputs`; its outputs.
  std::vector<Value*> copy_of(const Graph& from, const std::vector<Value*>& inputs);
  // An output of its own: what is an input, or from outside, passes through a node.
  void output(Value* v, const Type& t);
  const std::shared_ptr<Graph>& graph() const { return graph_; }
  void give_to(Node& n) { n.graph()->adopt_subgraph(n, "body", graph_); }

 private:
  std::shared_ptr<Graph> graph_;
};

}  // namespace onnxopt
