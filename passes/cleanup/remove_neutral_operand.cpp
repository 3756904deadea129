// x * 1, x / 1, x ^ 1, x - 0, x + (-0.0), And (x, true), Or (x, false), Xor (x, false), integer x + 0  ==>  x
// The constant must not broadcast x to another shape. Each is exact, -0.0 and NaN included; float x + 0 is remove-zero-addend.
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

// c is neutral as the right operand (side 1) or the left one (side 0) of n.
bool neutral(const Node& n, const Value* c, std::size_t side) {
  if (n.is("And")) return splat_bool(c) == true;
  if (n.is("Or") || n.is("Xor")) return splat_bool(c) == false;
  const auto s = splat(c);
  if (!s) return false;
  if (n.is("Mul")) return *s == 1;
  if (n.is("Add")) return *s == 0 && (!is_float_value(c) || has_negative_zero_bits(c));
  if (side == 0) return false;
  if (n.is("Sub")) return *s == 0 && !has_negative_zero_bits(c);
  return *s == 1;  // Div, Pow
}

bool visit(const Node& n, Rewriter& rw) {
  for (const std::size_t side : {std::size_t{1}, std::size_t{0}})
    if (n.input(side)->constant() && neutral(n, n.input(side), side)) {
      Value* x = n.input(1 - side);
      return broadcasts_into(n.input(side), x) ? becomes(n, rw, x) : no(rw, "the constant may broadcast x to another shape");
    }
  return no(rw, "no operand is the neutral constant");
}

}  // namespace

NodeRule remove_neutral_operand() {
  return {"remove-neutral-operand", "Remove arithmetic with the neutral element", "Mul Div Pow Sub Add And Or Xor", Level::o1, visit};
}

}  // namespace onnxopt
