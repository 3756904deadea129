// y = Where (Not (c), a, b)  ==>  y = Where (c, b, a)
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = made_by(n.input(0), "Not");
  return inner ? becomes(n, rw, rw.op("Where", {inner->input(0), n.input(2), n.input(1)})) : no(rw, "the condition is not made by Not");
}

}  // namespace

NodeRule remove_not_before_where() {
  return {"remove-not-before-where", "Swap the sides of Where instead of its condition", "Where", Level::o1, visit};
}

}  // namespace onnxopt
