// a = Cast <to = B> (x: A);  y = Cast <to = C> (a)  ==>  y = Cast <to = C> (x),  or x itself where C is A
// Only where every value of A is a value of B: then the second cast sees the same number either way.
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

// Binary digits that a type holds exactly and whether it has the range; 0: not one of these types.
struct Range {
  int digits;
  int exponent;
  bool is_signed;
};
Range range_of(DType t) {
  switch (t) {
    case DType::boolean: return {1, 0, false};
    case DType::uint4: return {4, 0, false};
    case DType::uint8: return {8, 0, false};
    case DType::uint16: return {16, 0, false};
    case DType::uint32: return {32, 0, false};
    case DType::uint64: return {64, 0, false};
    case DType::int4: return {3, 0, true};
    case DType::int8: return {7, 0, true};
    case DType::int16: return {15, 0, true};
    case DType::int32: return {31, 0, true};
    case DType::int64: return {63, 0, true};
    case DType::float16: return {11, 5, true};
    case DType::bfloat16: return {8, 8, true};
    case DType::float32: return {24, 8, true};
    case DType::float64: return {53, 11, true};
    default: return {0, 0, false};
  }
}

// Largest power of two below which every integer type's values stay in range of a float of this exponent.
int max_exponent(int bits) { return (1 << (bits - 1)) - 1; }

bool holds_all(DType b, DType a) {
  if (a == b) return true;
  const Range from = range_of(a), to = range_of(b);
  if (from.digits == 0 || to.digits == 0 || b == DType::boolean) return false;
  if (from.exponent > 0) return to.exponent >= from.exponent && to.digits >= from.digits;
  if (to.exponent > 0) return to.digits >= from.digits && max_exponent(to.exponent) >= from.digits;
  return to.digits >= from.digits && (to.is_signed || !from.is_signed);
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = made_by(n.input(0), "Cast");
  if (!inner || !plain(n)) return no(rw, "the input is not a Cast");
  Value* x = inner->input(0);
  if (!x->type.is_tensor()) return no(rw, "the element type of the input is not known");
  const DType a = x->type.dtype, b = static_cast<DType>(inner->attr<std::int64_t>("to")), c = static_cast<DType>(n.attr<std::int64_t>("to"));
  if (!holds_all(b, a) || c == DType::string) return no(rw, "the first Cast does not hold every value");
  if (a == c) return becomes(n, rw, x);
  return becomes(n, rw, rw.op("Cast", {x}, n.attrs()));
}

}  // namespace

NodeRule merge_casts() { return {"merge-casts", "Skip a Cast that loses nothing before another Cast", "Cast", Level::o1, visit}; }

}  // namespace onnxopt
