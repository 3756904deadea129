// y = Sum (a, b)  ==>  y = Add (a, b)
// The form that fusions look for.
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  return n.inputs().size() == 2 ? becomes(n, rw, rw.op("Add", {n.input(0), n.input(1)})) : no(rw, "there are not two inputs");
}

}  // namespace

NodeRule convert_sum_to_add() { return {"convert-sum-to-add", "Sum of two tensors is Add", "Sum", Level::o1, visit}; }

}  // namespace onnxopt
