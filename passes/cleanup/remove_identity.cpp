// y = Identity (x)  ==>  x
// A copy that only gives a public name to another public value (graph input to graph output) has to stay.
#include "ir/core/sparse.h"
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  Value &x = *n.input(0), &y = *n.output();
  if (!y.is_graph_output()) return becomes(n, rw, &x);
  const bool can_rename = x.graph() == y.graph() && !x.is_graph_output() && !x.is_graph_input() &&
                          (x.producer() || rw.graph().model().ir_version >= 4) && !is_sparse_constant(x);
  return can_rename ? becomes(n, rw, &x) : no(rw, "the copy gives a public value another public name");
}

}  // namespace

NodeRule remove_identity() { return {"remove-identity", "Remove copies", "Identity", Level::o1, visit}; }

}  // namespace onnxopt
