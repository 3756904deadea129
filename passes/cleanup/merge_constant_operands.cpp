// (x + c) + d  ==>  x + (c + d),    (x * c) * d  ==>  x * (c * d),    also Sub of a constant, and Div by a constant after Mul or Div
// O2 for floats (reassociation). The middle value has no other reader; the merged constant must be finite and, for factors, not have vanished.
#include <cmath>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

// n is `x op c`: c on either side for Add and Mul, on the right for Sub and Div.
struct Step { Value* x = nullptr; Value* c = nullptr; bool product = false, inverse = false; };
std::optional<Step> step_of(const Node& n) {
  Step s;
  s.product = n.is("Mul") || n.is("Div");
  s.inverse = n.is("Sub") || n.is("Div");
  const bool right = n.input(1)->constant() != nullptr;
  if (!right && (s.inverse || !n.input(0)->constant())) return std::nullopt;
  s.x = n.input(right ? 0 : 1);
  s.c = n.input(right ? 1 : 0);
  return s;
}

bool visit(const Node& n, Rewriter& rw) {
  const auto second = step_of(n);
  if (!second || second->x->constant() || !second->x->used_once()) return no(rw, "not an operation with a constant on what has no other reader");
  const Node* inner = second->x->producer();
  if (!inner || inner->kept || !(inner->is("Add") || inner->is("Sub") || inner->is("Mul") || inner->is("Div"))) return no(rw, "the input is not such an operation");
  const auto first = step_of(*inner);
  if (!first || first->x->constant() || first->product != second->product) return no(rw, "the input is not such an operation");
  if (!is_float_value(n.output())) return no(rw, "not a float tensor");
  // x op1 c op2 d: the first operation stays, c and d meet by + or *, or by the inverse if exactly one of the two is inverse.
  const bool inverse = first->inverse != second->inverse;
  const std::string_view op = second->product ? (inverse ? "Div" : "Mul") : (inverse ? "Sub" : "Add");
  const Tensor c = *first->c->constant(), d = *second->c->constant();
  Tensor merged = rw.eval(op, {c, d});
  Value* k = rw.constant(merged, "c");
  const auto v = splat(k);
  if (merged.size() != 1 || !v || !std::isfinite(*v) || (second->product && std::abs(*v) < 1e-30)) return no(rw, "the merged constant is not one usual number");
  return becomes(n, rw, rw.op(inner->op().name, {first->x, k}));
}

}  // namespace

NodeRule merge_constant_operands() {
  return {"merge-constant-operands", "One operation with a constant for two in a row", "Add Sub Mul Div", Level::o2, visit};
}

}  // namespace onnxopt
