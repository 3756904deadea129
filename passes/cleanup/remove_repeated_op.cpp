// y = f (f (x))  ==>  f (x)      f one of Relu, Abs, Ceil, Floor, Round, Sign; Ceil, Floor and Round also of each other's results
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool rounds(const Node& n) { return n.is("Ceil") || n.is("Floor") || n.is("Round"); }

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = n.input(0)->producer();
  if (!inner || inner->kept) return no(rw, "the input is not made by such an op");
  const bool same_op = inner->is(n.op().name), both_round = rounds(n) && rounds(*inner);
  return same_op || both_round ? becomes(n, rw, n.input(0)) : no(rw, "the input is not made by such an op");
}

}  // namespace

NodeRule remove_repeated_op() {
  return {"remove-repeated-op", "Remove the second of two equal idempotent ops", "Relu Abs Ceil Floor Round Sign", Level::o1, visit};
}

}  // namespace onnxopt
