// Arithmetic that came late.
#include <cmath>
#include <limits>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

bool plain_float(DType t) { return t == DType::float32 || t == DType::float64; }

}  // namespace

// fmod = 0: the remainder has the divisor's sign. Division truncates.
std::string mod(Expansion& e) {
  const DType t = e.dtype(0);
  if (e.integer("fmod", 0) != 0 || !is_integer(t)) return "no decomposition: fmod";
  if (t != DType::int32 && t != DType::int64 && t != DType::uint32 && t != DType::uint64) return "type: Mod of this type";
  Value* b = e.in(1);
  const auto rest = [&](Value* a) { return e.sub(a, e.mul(e.div(a, b), b)); };
  Value* r = rest(e.in(0));
  e.result(0, is_signed_integer(t) ? rest(e.add(r, b)) : r);
  return "";
}

std::string hyperbolic(Expansion& e) {
  const DType t = e.dtype(0);
  if (!plain_float(t)) return "type: this operator of this type";
  if (e.node().is("Sinh")) return "no decomposition: exact near zero";
  Value* up = e.op("Exp", {e.in(0)});
  Value* down = e.op("Exp", {e.op("Neg", {e.in(0)})});
  e.result(0, e.mul(e.add(up, down), e.scalar(t, 0.5)));
  return "";
}

// erf(x) = x * P(x^2) / Q(x^2), x held within the range where float does not yet round to 1. The coefficients are a least-squares fit of ours; in
// float arithmetic the result is within 4e-7 of the truth.
std::string erf(Expansion& e) {
  const DType t = e.dtype(0);
  if (t != DType::float32 && t != DType::float16) return "type: Erf of this type";
  constexpr float kP[] = {1.96036688e-08f, -1.95090447e-06f, 1.43811615e-04f, 3.80794771e-03f, 5.09236002e-02f, 2.02585471e-01f, 1.1283791f};
  constexpr float kQ[] = {9.79871436e-04f, 1.45759665e-02f, 1.16095572e-01f, 5.12868209e-01f, 1.0f};
  const auto f = [&](float v) { return e.scalar(DType::float32, v); };
  Value* x = e.op("Clip", {e.cast(e.in(0), DType::float32), f(-3.95f), f(3.95f)});
  Value* square = e.mul(x, x);
  const auto polynomial = [&](std::span<const float> c) {
    Value* y = f(c[0]);
    for (std::size_t k = 1; k < c.size(); ++k) y = e.add(e.mul(y, square), f(c[k]));
    return y;
  };
  Value* p = polynomial(kP);
  e.result(0, e.cast(e.div(e.mul(x, p), polynomial(kQ)), t));
  return "";
}

// Half to even: between 2^23 and 2^24 floats have no fraction, so adding 2^23 rounds it away; what is larger has none to begin with.
std::string round(Expansion& e) {
  const DType t = e.dtype(0);
  if (!plain_float(t)) return "type: Round of this type";
  const double magic = t == DType::float32 ? 8388608.0 : 4503599627370496.0;  // 2^23, 2^52
  Value* m = e.scalar(t, magic);
  Value* size = e.op("Abs", {e.in(0)});
  Value* whole = e.sub(e.add(size, m), m);
  Value* small = e.op("Less", {size, m});
  Value* rounded = e.op("Where", {small, whole, size});
  e.result(0, e.op("Where", {e.op("Less", {e.in(0), e.scalar(t, 0)}), e.op("Neg", {rounded}), rounded}));
  return "";
}

std::string bit_shift(Expansion& e) {
  const DType t = e.dtype(0);
  const auto by = e.constant(1) ? scalar_value(*e.constant(1)) : std::nullopt;
  if (!by || *by < 0 || *by >= bit_width(t) - (t == DType::uint64 ? 1 : 0)) return "non-constant operand: the number of bits";
  if (t != DType::uint32 && t != DType::uint64 && t != DType::uint8 && t != DType::uint16) return "type: BitShift of this type";
  const DType w = t == DType::uint64 ? t : t == DType::uint32 ? DType::uint64 : DType::uint32;
  Value* x = e.cast(e.in(0), w);
  Value* factor = e.scalar(w, std::ldexp(1.0, static_cast<int>(*by)));
  Value* y = e.text("direction") == "LEFT" ? e.mul(x, factor) : e.div(x, factor);
  e.result(0, e.cast(y, t));
  return "";
}

// Element by element: a running sum, for axes that are short.
std::string cum_sum(Expansion& e) {
  const auto axis_list = e.constant_ints(1);
  const auto rank = e.rank(0);
  if (!axis_list || axis_list->size() != 1) return "non-constant operand: axis";
  if (!rank) return "the rank of the input is not known";
  std::int64_t axis = axis_list->front();
  axis += axis < 0 ? *rank : 0;
  const DType t = e.dtype(0);
  const Dim d = (*e.shape(0))[static_cast<std::size_t>(axis)];
  constexpr std::int64_t kLongest = 128;
  if (!d.is_value() || d.value() > kLongest || d.value() == 0) return "no decomposition: a long axis, or one of unknown size";
  if (!plain_float(t) && t != DType::int32 && t != DType::int64) return "type: CumSum of this type";
  const bool exclusive = e.integer("exclusive", 0) != 0, reverse = e.integer("reverse", 0) != 0;
  std::vector<Value*> sums(static_cast<std::size_t>(d.value()));
  Value* sum = nullptr;
  for (std::int64_t k = 0; k < d.value(); ++k) {
    const std::int64_t i = reverse ? d.value() - 1 - k : k;
    Value* x = e.slice(e.in(0), i, i + 1, axis);
    if (exclusive && !sum) sums[static_cast<std::size_t>(i)] = sum = e.sub(x, x);
    else if (exclusive) sums[static_cast<std::size_t>(i)] = sum = e.add(sum, e.slice(e.in(0), reverse ? i + 1 : i - 1, reverse ? i + 2 : i, axis));
    else sums[static_cast<std::size_t>(i)] = sum = sum ? e.add(sum, x) : x;
  }
  if (exclusive && plain_float(t)) return "no decomposition: a zero to begin with";
  e.result(0, e.concat(std::move(sums), axis));
  return "";
}

}  // namespace onnxopt::expand_fn
