// Operators on the bits of integers, where only arithmetic is at hand.
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

bool whole_bytes(DType t) { return is_integer(t) && bit_width(t) >= 8; }

// `x` as unsigned numbers below 2^32, lowest first: one, or two for 64 bits. int64 each. The remainder of a truncating division is wrapped upwards.
std::vector<Value*> words(Expansion& e, Value* x, DType t) {
  const std::int64_t base = std::int64_t{1} << 32;
  const auto positive = [&](Value* v) { return e.add(v, e.mul(e.cast(e.op("Less", {v, e.index(0)}), DType::int64), e.index(base))); };
  Value* v = e.cast(x, DType::int64);
  if (bit_width(t) < 64) return {is_signed_integer(t) ? positive(v) : v};
  Value* high = e.div(v, e.index(base));
  Value* low = e.sub(v, e.mul(high, e.index(base)));
  Value* borrow = e.cast(e.op("Less", {low, e.index(0)}), DType::int64);
  return {e.add(low, e.mul(borrow, e.index(base))), positive(e.sub(high, borrow))};
}

// Bits 0, 1, ... along a new last axis, 0 or 1.
Value* bits_of(Expansion& e, Value* word, std::int64_t rank, std::int64_t count) {
  Ints powers, shifted;
  for (std::int64_t k = 0; k < count; ++k) powers.push_back(std::int64_t{1} << k);
  Value* v = e.div(rank == 0 ? e.reshape(word, {1}) : e.unsqueeze(word, {rank}), e.ints(powers, "powers"));
  return e.sub(v, e.mul(e.div(v, e.index(2)), e.index(2)));
}

}  // namespace

// The bits stand in a row: And is their product, Or the larger, Xor the odd sum.
std::string bitwise(Expansion& e) {
  const DType t = e.dtype(0);
  if (!whole_bytes(t)) return "type: bits of this type";
  const auto ranks = {e.rank(0), e.rank(1)};
  for (const auto& r : ranks)
    if (!r) return "the rank of the input is not known";
  const std::int64_t width = std::min<std::int64_t>(bit_width(t), 32);
  const bool both = e.node().is("BitwiseAnd"), either = e.node().is("BitwiseOr");
  Ints powers;
  for (std::int64_t k = 0; k < width; ++k) powers.push_back(std::int64_t{1} << k);
  const auto a = words(e, e.in(0), t), b = words(e, e.in(1), t);
  const std::int64_t rank = std::max(*e.rank(0), *e.rank(1));
  std::vector<Value*> out;
  for (std::size_t w = 0; w < a.size(); ++w) {
    Value *x = bits_of(e, a[w], *e.rank(0), width), *y = bits_of(e, b[w], *e.rank(1), width);
    Value* common = e.mul(x, y);
    Value* bits = both ? common : e.sub(e.add(x, y), either ? common : e.mul(common, e.index(2)));
    Value* sum = e.reduce("ReduceSum", e.mul(bits, e.ints(powers, "powers")), {rank == 0 ? 0 : rank}, false);
    out.push_back(sum);
  }
  const std::int64_t half = std::int64_t{1} << (width - 1), base = half * 2;
  const auto signed_word = [&](Value* v) {
    return e.sub(v, e.mul(e.cast(e.op("Not", {e.op("Less", {v, e.index(half)})}), DType::int64), e.index(base)));
  };
  Value* y = out[0];
  if (out.size() == 2) y = e.add(e.mul(signed_word(out[1]), e.index(base)), y);
  else if (is_signed_integer(t)) y = signed_word(y);
  e.result(0, e.cast(y, t));
  return "";
}

// -1 - x, or the largest number less x.
std::string bitwise_not(Expansion& e) {
  const DType t = e.dtype(0);
  if (!whole_bytes(t)) return "type: bits of this type";
  if (bit_width(t) == 64 && !is_signed_integer(t)) {
    e.result(0, e.cast(e.sub(e.index(-1), e.cast(e.in(0), DType::int64)), t));
    return "";
  }
  const std::int64_t most = is_signed_integer(t) ? -1 : (std::int64_t{1} << bit_width(t)) - 1;
  e.result(0, e.cast(e.sub(e.index(most), e.cast(e.in(0), DType::int64)), t));
  return "";
}

namespace {

// significand * 2^exponent by a table of powers; the largest exponent stands for infinity and NaN. `rest`: bits below the exponent, int64.
struct FloatForm {
  int exponents, fraction, bias;  // how many exponents, bits of the fraction, and 2^(e - bias) of a whole significand
};

Value* float_of_parts(Expansion& e, const FloatForm& f, Value* sign, Value* exponent, Value* fraction) {
  const DType w = DType::float64;
  std::vector<double> powers;
  for (int k = 0; k < f.exponents; ++k)
    powers.push_back(k + 1 == f.exponents ? std::numeric_limits<double>::infinity() : std::ldexp(1.0, std::max(k, 1) - f.bias));
  const auto whole = std::int64_t{1} << f.fraction;
  Value* power = e.op("Gather", {e.tensor(Tensor::of<double>({f.exponents}, powers), "powers"), exponent}, {{"axis", std::int64_t{0}}});
  Value* normal = e.cast(e.cast(exponent, DType::boolean), DType::int64);
  Value* y = e.mul(e.cast(e.add(fraction, e.mul(normal, e.index(whole))), w), power);
  y = e.mul(y, e.sub(e.scalar(w, 1), e.mul(e.cast(sign, w), e.scalar(w, 2))));
  Value* nan = e.op("And", {e.op("Equal", {exponent, e.index(f.exponents - 1)}), e.cast(fraction, DType::boolean)});
  return e.op("Where", {nan, e.scalar(w, std::numeric_limits<double>::quiet_NaN()), y});
}

// Bits of an integer of the same width, as the number that they mean. What a NaN carries is lost, as in all arithmetic.
std::string bits_as_float(Expansion& e, DType from, DType to) {
  const auto cut = [&](Value* v, std::int64_t by) {
    Value* high = e.div(v, e.index(by));
    return std::pair{high, e.sub(v, e.mul(high, e.index(by)))};
  };
  std::vector<Value*> w = words(e, e.in(0), from);
  if (to == DType::bfloat16) w[0] = e.mul(w[0], e.index(65536));  // the upper half of a float
  Value* y;
  if (w.size() == 2) {
    const auto [sign, rest] = cut(w[1], std::int64_t{1} << 31);
    const auto [exponent, high] = cut(rest, 1 << 20);
    y = float_of_parts(e, {2048, 52, 1075}, sign, exponent, e.add(e.mul(high, e.index(std::int64_t{1} << 32)), w[0]));
  } else if (to == DType::float16) {
    Value* bits = is_signed_integer(from) ? cut(w[0], 65536).second : w[0];
    const auto [sign, rest] = cut(bits, 1 << 15);
    const auto [exponent, fraction] = cut(rest, 1 << 10);
    y = float_of_parts(e, {32, 10, 25}, sign, exponent, fraction);
  } else {
    Value* bits = to == DType::bfloat16 ? cut(w[0], std::int64_t{1} << 32).second : w[0];
    const auto [sign, rest] = cut(bits, std::int64_t{1} << 31);
    const auto [exponent, fraction] = cut(rest, 1 << 23);
    y = float_of_parts(e, {256, 23, 150}, sign, exponent, fraction);
  }
  e.result(0, e.cast(e.cast(y, to == DType::float64 ? to : DType::float32), to));
  return "";
}

}  // namespace

// Between integers of one width Cast keeps the bits.
std::string bit_cast(Expansion& e) {
  const DType from = e.dtype(0), to = static_cast<DType>(e.integer("to", 0));
  if (from == to && from != DType::undefined) {
    e.result(0, e.op("Identity", {e.in(0)}));
    return "";
  }
  if (from == DType::undefined || bit_width(from) != bit_width(to)) return "type: BitCast of this type";
  const Tensor* stored = e.constant(0);
  if (stored && bit_width(from) >= 8 && stored->size() <= (1 << 20)) {
    const auto bytes = stored->bytes();
    e.result(0, e.op("Identity", {e.tensor(Tensor::from_bytes(to, stored->dims(), {bytes.begin(), bytes.end()}), "bits")}));
    return "";
  }
  const bool floats = to == DType::float16 || to == DType::bfloat16 || to == DType::float32 || to == DType::float64;
  if (whole_bytes(from) && floats) return bits_as_float(e, from, to);
  if (from == DType::boolean && whole_bytes(to)) {
    e.result(0, e.cast(e.in(0), to));
    return "";
  }
  if (!whole_bytes(from)) return "no decomposition: the bits of floating point, those of a NaN among them";
  if (!whole_bytes(to)) return "type: BitCast of this type";
  e.result(0, e.op("Cast", {e.in(0)}, {{"to", static_cast<std::int64_t>(to)}}));
  return "";
}

// Times, or divided by, a power of two. As many bits as the type has, or more, or fewer than none, leave nothing but the sign.
std::string bit_shift(Expansion& e) {
  const DType t = e.dtype(0);
  if (!whole_bytes(t)) return "type: BitShift of this type";
  const bool has_sign = is_signed_integer(t), left = e.text("direction") == "LEFT";
  const DType w = has_sign ? DType::int64 : DType::uint64;
  const std::int64_t width = bit_width(t);
  std::vector<std::uint64_t> powers;
  for (std::int64_t k = 0; k < width; ++k) powers.push_back(std::uint64_t{1} << k);
  Value* by = e.cast(e.in(1), DType::int64);
  Value* beyond = e.op("Or", {e.op("Less", {by, e.index(0)}), e.op("Greater", {by, e.index(width - 1)})});
  Value* within = e.cast(e.op("Not", {beyond}), DType::int64);
  const Dims count{width};
  const auto* bytes = reinterpret_cast<const std::byte*>(powers.data());
  Value* table = e.tensor(Tensor::from_bytes(w, count, {bytes, bytes + powers.size() * sizeof(std::uint64_t)}), "powers");
  Value* factor = e.op("Gather", {table, e.mul(by, within)}, {{"axis", std::int64_t{0}}});
  Value *x = e.cast(e.in(0), w), *some = e.cast(within, w);
  if (left) {
    e.result(0, e.cast(e.mul(e.mul(x, factor), some), t));
    return "";
  }
  Value* minus = has_sign ? e.cast(e.op("Less", {x, e.index(0)}), w) : nullptr;
  const auto mirrored = [&](Value* v) { return minus ? e.sub(v, e.mul(minus, e.add(e.mul(v, e.index(2)), e.index(1)))) : v; };  // -1 - v below zero
  e.result(0, e.cast(mirrored(e.mul(e.div(mirrored(x), factor), some)), t));
  return "";
}

}  // namespace onnxopt::expand_fn
