// y = Where (c, a, b)  ==>  a or b      c constant and everywhere the same, or a and b the same value; y must have the shape of what is left
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const auto c = splat_bool(n.input(0));
  if (!c && n.input(1) != n.input(2)) return no(rw, "the condition is not constant");
  Value* taken = n.input(c.value_or(true) ? 1 : 2);
  return same_shape(taken, n.output()) ? becomes(n, rw, taken) : no(rw, "y may have another shape");
}

}  // namespace

NodeRule remove_where() { return {"remove-where", "Remove Where that takes one side only", "Where", Level::o1, visit}; }

}  // namespace onnxopt
