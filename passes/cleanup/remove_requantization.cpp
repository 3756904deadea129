#include <cmath>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool same_operand(const Value* a, const Value* b) {
  return a == b || (a && b && a->constant() && b->constant() && a->constant()->same_content(*b->constant()));
}

// (q - z) * s / s is q - z again, up to much less than the half that rounding forgives, where neither product nor quotient leaves the normal numbers.
bool rounds_back(const Value* scale) {
  if (!scale->constant() || scale->constant()->dtype() != DType::float32) return false;
  for (const float s : scale->constant()->data<float>())
    if (!std::isfinite(s) || std::fabs(s) < 1e-30F || std::fabs(s) > 1e30F) return false;
  return true;
}

bool is_small_integer(DType t) { return t == DType::int8 || t == DType::uint8 || t == DType::int16 || t == DType::uint16; }

bool visit(const Node& n, Rewriter& rw) {
  const Node* d = made_by(n.input(0), "DequantizeLinear");
  if (!d) return no(rw, "the input is not made by DequantizeLinear");
  const bool same_places = n.attr<std::int64_t>("axis") == d->attr<std::int64_t>("axis") &&
                           n.attr_or<std::int64_t>("block_size", 0) == d->attr_or<std::int64_t>("block_size", 0);
  if (!same_places || !same_operand(n.input(1), d->input(1)) || !same_operand(n.input(2), d->input(2)))
    return no(rw, "the scales or zero points are not the same");
  const Type& q = d->input(0)->type;
  if (!q.is_tensor() || !is_small_integer(q.dtype) || n.output()->type.dtype != q.dtype) return no(rw, "not the same type of 8 or 16 bits");
  if (!rounds_back(n.input(1)) || n.input(0)->type.dtype != DType::float32 || n.attr_or<std::int64_t>("precision", 0) != 0)
    return no(rw, "the scale may not round back");
  return becomes(n, rw, d->input(0));
}

}  // namespace

// QuantizeLinear (DequantizeLinear (q, s, z), s, z)  ==>  q
NodeRule remove_requantization() {
  return {"remove-requantization", "Remove quantization of what was dequantized in the same way", "QuantizeLinear", Level::o1, visit};
}

}  // namespace onnxopt
