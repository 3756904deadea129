// InferDriver: runs inference functions over nodes, graphs and function calls. Internal to ir/ops.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/ops/infer.h"

namespace onnxopt {

class InferDriver {
 public:
  InferDriver(Model& model, const InferOptions& options) : model_(model), options_(options) {}

  bool node(Node& n);  // true if an output type or a known value changed
  void graph(Graph& g);
  // A subgraph or function body: what contradicts itself there may never run, so it becomes unknown instead of an error. False if the work limit is
  // reached: then the types in the body say nothing.
  bool body(Graph& g);
  Model& model() { return model_; }
  bool lenient() const { return !options_.strict; }
  // Types of the outputs of a body that may run several times: a dim made inside of it means something else each time, so it becomes unknown.
  static Type outside(const SymbolTable& symbols, const Type& t, const std::vector<Dim>& keep);

 private:
  void run(InferCtx& ctx);
  void finish(InferCtx& ctx);
  void call(InferCtx& ctx, Function& f);

  Model& model_;
  InferOptions options_;
  int depth_ = 0;                 // bodies around the current node
  std::int64_t inner_nodes_ = 0;  // nodes of bodies inferred so far
};

}  // namespace onnxopt
