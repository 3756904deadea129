// (x + c) + d  ==>  x + (c + d),    (x * c) * d  ==>  x * (c * d),    also Sub of a constant, and Div by a constant after Mul or Div
// O2 (reassociation), for float and double. The middle value has no other reader. Addends must have one sign: x + 65504 - 65504 rounds x, and is
// meant to.
#include <cmath>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

// n is `x op c`: c on either side for Add and Mul, on the right for Sub and Div.
struct Step {
  Value* x = nullptr;
  Value* c = nullptr;
  bool product = false, inverse = false;
};
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

bool usual(double factor) { return std::abs(factor) >= 1.0 / (1 << 20) && std::abs(factor) <= 1 << 20; }

bool visit(const Node& n, Rewriter& rw) {
  const auto second = step_of(n);
  if (!second || second->x->constant() || !second->x->used_once()) return no(rw, "not an operation with a constant on what has no other reader");
  const Node* inner = second->x->producer();
  if (!inner || inner->kept || !(inner->is("Add") || inner->is("Sub") || inner->is("Mul") || inner->is("Div")))
    return no(rw, "the input is not such an operation");
  const auto first = step_of(*inner);
  if (!first || first->x->constant() || first->product != second->product) return no(rw, "the input is not such an operation");
  const DType t = n.output()->type.dtype;
  if (t != DType::float32 && t != DType::float64) return no(rw, "not a float or double tensor");
  const auto c = splat(first->c), d = splat(second->c);
  if (!c || !d || first->c->constant()->size() != 1 || second->c->constant()->size() != 1) return no(rw, "a constant is not one number");
  // x op1 c op2 d: the first operation stays, c and d meet by + or *, or by the inverse if exactly one of the two is inverse.
  const bool inverse = first->inverse != second->inverse;
  if (first->product && !(usual(*c) && usual(*d))) return no(rw, "a factor is so large or small that the middle value may leave the type's range");
  if (!first->product && *c * (inverse ? -*d : *d) < 0) return no(rw, "one addend takes back what the other gave, and with it digits of x");
  const std::string_view op = second->product ? (inverse ? "Div" : "Mul") : (inverse ? "Sub" : "Add");
  Value* k = rw.constant(rw.eval(op, {*first->c->constant(), *second->c->constant()}), "c");
  return becomes(n, rw, rw.op(inner->op().name, {first->x, k}));
}

}  // namespace

NodeRule merge_constant_operands() {
  return {"merge-constant-operands", "One operation with a constant for two in a row", "Add Sub Mul Div", Level::o2, visit};
}

}  // namespace onnxopt
