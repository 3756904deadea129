// Quantization as arithmetic: scales along an axis before opset 13, types that came later, and all of it before opset 10.
#include <algorithm>

#include "ir/core/element.h"
#include "passes/opset/expand_families.h"

namespace onnxopt::expand_fn {
namespace {

bool stored_integer(DType t) { return is_integer(t) && bit_width(t) >= 8 && bit_width(t) <= 16; }

// One element of `v` for every `block` elements along the axis.
Value* repeated(Expansion& e, Value* v, std::int64_t block) {
  const auto rank = e.rank(0);
  std::int64_t axis = e.integer("axis", 1);
  axis += axis < 0 && rank ? *rank : 0;
  if (!rank || axis < 0 || axis >= *rank || !(*e.shape(0))[static_cast<std::size_t>(axis)].is_value()) return nullptr;
  Ints from;
  for (std::int64_t i = 0; i < (*e.shape(0))[static_cast<std::size_t>(axis)].value(); ++i) from.push_back(i / block);
  return e.op("Gather", {v, e.ints(from, "blocks")}, {{"axis", axis}});
}

// Scale or zero point, shaped so that it meets its axis; null where that is not known.
Value* along_axis(Expansion& e, Value* v) {
  const Shape* s = Expansion::shape_of(v);
  if (!s) return nullptr;
  if (const std::int64_t block = e.integer("block_size", 0); block > 0) return repeated(e, v, block);
  if (s->empty() || (s->size() == 1 && s->front().is(1))) return s->empty() ? v : e.reshape(v, {});
  const auto rank = e.rank(0);
  if (!rank || s->size() != 1) return nullptr;
  std::int64_t axis = e.integer("axis", 1);
  axis += axis < 0 ? *rank : 0;
  Ints dims(static_cast<std::size_t>(*rank), 1);
  dims[static_cast<std::size_t>(axis)] = -1;
  return e.reshape(v, dims);
}

// A zero point in float; null: none.
Value* offset(Expansion& e, std::size_t i) {
  if (!e.has(i)) return nullptr;
  const Tensor* t = e.constant(i);
  if (t && t->dtype() != DType::string && std::ranges::all_of(t->bytes(), [](std::byte b) { return b == std::byte{0}; })) return nullptr;
  return e.cast(along_axis(e, e.in(i)), DType::float32);
}

}  // namespace

std::string dequantize_linear(Expansion& e) {
  const DType t = e.dtype(0);
  const DType scale_type = e.dtype(1), w = DType::float32;
  if (scale_type != DType::float32 && scale_type != DType::float16 && scale_type != DType::bfloat16) return "type: the scale";
  const DType to = e.integer("output_dtype", 0) != 0 ? static_cast<DType>(e.integer("output_dtype")) : scale_type;
  if (!stored_integer(t) && t != DType::int32 && t != w) return "type: DequantizeLinear of this type";
  if (t == DType::int32 && e.has(2) && offset(e, 2)) return "type: a zero point of 32 bits";
  Value* scale = along_axis(e, e.in(1));
  if (!scale || (e.has(2) && !along_axis(e, e.in(2)))) return "the shape of the scale is not known";
  Value* x = t == w ? e.in(0) : e.op("Cast", {e.in(0)}, {{"to", std::int64_t{1}}});  // weights stay as they are stored
  if (Value* zero = offset(e, 2)) x = e.sub(x, zero);
  e.result(0, e.cast(e.mul(x, e.cast(scale, w)), to));
  return "";
}

// Clipped before it is rounded, so that adding 1.5 * 2^23 rounds half to even, exactly, without the operator Round.
std::string quantize_linear(Expansion& e) {
  if (e.dtype(0) != DType::float32 || e.dtype(1) != DType::float32 || e.integer("precision", 0) > 1) return "type: input or scale";
  const std::int64_t stated = e.integer("output_dtype", 0);
  const DType t = e.has(2) ? e.dtype(2) : stated != 0 ? static_cast<DType>(stated) : DType::uint8;
  if (!stored_integer(t)) return "type: QuantizeLinear to this type";
  Value* scale = along_axis(e, e.in(1));
  if (!scale || (e.has(2) && !along_axis(e, e.in(2)))) return "the shape of the scale is not known";
  const auto f = [&](double v) { return e.scalar(DType::float32, v); };
  constexpr double kMagic = 12582912.0;  // 1.5 * 2^23
  constexpr double kFar = 262144.0;      // beyond every type of 16 bits with any zero point
  const Tensor* known = e.constant(1);
  const bool one = known && known->size() == 1 && scalar_value(*known) == 1.0;
  Value* x = e.op("Clip", {one ? e.in(0) : e.div(e.in(0), scale), f(-kFar), f(kFar)});
  x = e.sub(e.add(x, f(kMagic)), f(kMagic));
  if (Value* zero = offset(e, 2)) x = e.add(x, zero);
  x = e.op("Clip", {x, f(lowest_value(t)), f(highest_value(t))});
  e.result(0, e.op("Cast", {x}, {{"to", static_cast<std::int64_t>(t)}}));
  return "";
}

// By its text in the specification: the range is widened to hold zero.
std::string dynamic_quantize_linear(Expansion& e) {
  const auto f = [&](double v) { return e.scalar(DType::float32, v); };
  const auto extreme = [&](const char* reduce, const char* with) {
    Value* v = e.op(reduce, {e.in(0)}, {{"keepdims", std::int64_t{0}}});
    return e.op(with, {v, f(0)});
  };
  Value* high = extreme("ReduceMax", "Max");
  Value* low = extreme("ReduceMin", "Min");
  Value* scale = e.div(e.sub(high, low), f(255));
  scale = e.add(scale, e.cast(e.op("Not", {e.cast(scale, DType::boolean)}), DType::float32));  // 1 where all is zero, as runtimes have it
  constexpr double kMagic = 12582912.0;
  Value* zero = e.op("Clip", {e.sub(f(0), e.div(low, scale)), f(0), f(255)});
  zero = e.cast(e.sub(e.add(zero, f(kMagic)), f(kMagic)), DType::uint8);
  e.result(0, e.op("QuantizeLinear", {e.in(0), scale, zero}));
  e.result(1, scale);
  e.result(2, zero);
  return "";
}

namespace {

// `several`: the shape of a zero point that is a list; empty: it has its own.
Value* centered(Expansion& e, std::size_t x, std::size_t zero, DType w, const Ints& several) {
  Value* v = e.op("Cast", {e.in(x)}, {{"to", static_cast<std::int64_t>(w)}});
  if (!e.has(zero)) return v;
  Value* z = e.cast(e.in(zero), w);
  const Shape* s = Expansion::shape_of(z);
  if (s && (s->empty() || (s->size() == 1 && s->front().is(1)))) return e.sub(v, e.reshape(z, {}));
  if (s && s->size() > 1) return e.sub(v, z);
  return s ? e.sub(v, several.empty() ? z : e.reshape(z, several)) : nullptr;
}

}  // namespace

// A list of zero points holds one for each row of A, or column of B.
std::string matmul_integer(Expansion& e) {
  const auto rank = e.rank(0);
  if (!rank || !e.rank(1)) return "the rank of the input is not known";
  Value *a = centered(e, 0, 2, DType::float64, *rank > 1 ? Ints{-1, 1} : Ints{}), *b = centered(e, 1, 3, DType::float64, {});
  if (!a || !b) return "the shape of a zero point is not known";
  e.result(0, e.cast(e.op("MatMul", {a, b}), DType::int32));
  return "";
}

namespace {

// Sums of integers are exact in float32 up to 2^24. The bits of the digits, 8 at most, into which weights are taken apart so that each digit's sums
// of `depth` products stay within that; 0: none are that small.
int digit_bits(std::int64_t depth) {
  constexpr std::int64_t kExact = std::int64_t{1} << 24;
  if (depth * 255 * 255 <= kExact) return 8;
  int bits = 4;
  while (bits > 0 && depth * 255 * (std::int64_t{1} << bits) > kExact) --bits;
  return bits;
}

// Least first; the last one has the sign.
std::vector<Value*> digits_of(Expansion& e, Value* k, int bits) {
  const auto f = [&](double v) { return e.scalar(DType::float32, v); };
  const double base = 1 << bits;
  std::vector<Value*> digits;
  for (int left = 8; left > bits; left -= bits) {
    Value* rest = e.op("Floor", {e.mul(k, f(1 / base))});
    digits.push_back(e.sub(k, e.mul(rest, f(base))));
    k = rest;
  }
  digits.push_back(k);
  return digits;
}

}  // namespace

std::string conv_integer(Expansion& e) {
  const Shape* w = e.shape(1);
  std::int64_t depth = 1;
  for (std::size_t i = 1; w && i < w->size(); ++i) depth = (*w)[i].is_value() && depth > 0 ? depth * (*w)[i].value() : 0;
  if (!w || depth == 0) return "the shape of the weight is not known";
  const int bits = digit_bits(depth);
  const DType way = bits > 0 ? DType::float32 : DType::float64;
  Ints channels(w->size(), 1);
  channels[0] = -1;
  Value *x = centered(e, 0, 2, way, Ints(w->size(), 1)), *k = centered(e, 1, 3, way, channels);
  if (!x || !k) return "the shape of a zero point is not known";
  const auto sums = [&](Value* digits) { return e.cast(e.op("Conv", {x, digits}, e.node().attrs()), DType::int32); };
  const std::vector<Value*> digits = bits > 0 ? digits_of(e, k, bits) : std::vector{k};
  Value* total = sums(digits.back());
  for (std::size_t i = digits.size() - 1; i-- > 0;) total = e.add(e.mul(total, e.scalar(DType::int32, 1 << bits)), sums(digits[i]));
  e.result(0, total);
  return "";
}

namespace {

bool one_element(const Shape* s) { return s && (s->empty() || (s->size() == 1 && s->front().is(1))); }

// The way of runtimes: sums times one multiplier in float, scales of operands over that of the result. Another order rounds some sums to the other
// side.
Value* requantized(Expansion& e, Value* sum, Value* multiplier, std::size_t zero) {
  Value* y = e.mul(e.cast(sum, DType::float32), multiplier);
  const Shape* s = e.shape(zero);
  return e.op("QuantizeLinear", {y, e.scalar(DType::float32, 1), one_element(s) && !s->empty() ? e.reshape(e.in(zero), {}) : e.in(zero)});
}

}  // namespace

// Integers summed exactly, then brought to the scale of the result.
std::string qlinear_matmul(Expansion& e) {
  const Shape* b_scale = e.shape(4);
  if (!e.shape(1) || !b_scale || !e.shape(6) || !e.shape(7)) return "the shape of the scale is not known";
  if (!one_element(e.shape(1)) || !one_element(e.shape(6)) || !one_element(e.shape(7))) return "no decomposition: a scale a row";
  if (b_scale->size() > 1) return "no decomposition: a scale a batch";
  Value* sum = e.op("MatMulInteger", {e.in(0), e.in(3), e.in(2), e.in(5)});
  const auto wide = [&](std::size_t i) {  // of one element: a scalar, as the product may be one
    Value* v = e.cast(e.in(i), DType::float32);
    const Shape* s = Expansion::shape_of(v);
    return one_element(s) && !s->empty() ? e.reshape(v, {}) : v;
  };
  e.result(0, requantized(e, sum, e.div(e.mul(wide(1), wide(4)), wide(6)), 7));
  return "";
}

std::string qlinear_conv(Expansion& e) {
  const Shape* w_scale = e.shape(4);
  const auto rank = e.rank(0);
  if (!w_scale || !rank || *rank < 3) return "the shape of the scale is not known";
  Ints channels(static_cast<std::size_t>(*rank) - 1, 1);
  channels[0] = -1;
  Value* sum = e.op("ConvInteger", {e.in(0), e.in(3), e.in(2), e.in(5)}, e.node().attrs());
  if (e.has(8)) sum = e.add(sum, e.reshape(e.in(8), channels));
  Value* scale = e.mul(e.in(1), w_scale->size() == 1 ? e.reshape(e.in(4), channels) : e.in(4));
  e.result(0, requantized(e, sum, e.div(scale, e.in(6)), 7));
  return "";
}

}  // namespace onnxopt::expand_fn
