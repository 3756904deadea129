// InferDriver: runs inference functions over nodes, graphs and function calls. Internal to ir/ops.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "ir/ops/infer.h"

namespace onnxopt {

class InferDriver {
 public:
  InferDriver(Model& model, const InferOptions& options) : model_(model), options_(options) {}

  bool node(Node& n);  // true if an output type or a known value changed
  void graph(Graph& g);
  // A subgraph or function body: what contradicts itself there may never run, so it becomes unknown instead of an error. False if the work limit is
  // reached: then the types in the body say nothing. `dead`: the branch of an If that is not taken.
  bool body(Graph& g, bool dead = false);
  // No run that comes to its end computes the value: its node contradicts itself, or a value that it needs is one of these. What stands in a branch
  // that is not taken counts as well while a case is followed.
  bool is_impossible(const Value& v) const { return !impossible_.empty() && impossible_.contains(v.id()); }
  void set_impossible(const Value& v, bool impossible);
  Model& model() { return model_; }
  bool lenient() const { return !options_.strict; }
  // Types of the outputs of a body that may run several times: a dim made inside of it means something else each time, so it becomes unknown.
  static Type outside(const SymbolTable& symbols, const Type& t, const std::vector<Dim>& keep);

 private:
  void run(InferCtx& ctx);
  void finish(InferCtx& ctx);
  void call(InferCtx& ctx, Function& f);
  bool needs_impossible(const Node& n) const;
  // Infers what follows an If once for each of its branches and joins the results; see infer_cases.cpp.
  void split_cases(Node* first);
  void split_case(Node& branching);
  void infer_case(Node& branching, bool taken);
  void infer_again(Node& n);

  Model& model_;
  InferOptions options_;
  int depth_ = 0;                 // bodies around the current node
  int dead_ = 0;                  // of these, branches that are not taken
  int cases_ = 0;                 // cases of Ifs that are assumed
  std::int64_t inner_nodes_ = 0;  // nodes of bodies inferred so far
  std::int64_t case_nodes_ = 0;   // nodes inferred once more for cases
  std::unordered_set<std::uint32_t> impossible_;
};

}  // namespace onnxopt
