// Neg (Neg (x)), Not (Not (x)), BitwiseNot (BitwiseNot (x))  ==>  x
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = made_by(n.input(0), n.op().name);
  return inner ? becomes(n, rw, inner->input(0)) : no(rw, "the input is not negated");
}

}  // namespace

NodeRule remove_double_negation() { return {"remove-double-negation", "Remove negations of negations", "Neg Not BitwiseNot", Level::o1, visit}; }

}  // namespace onnxopt
