// Operators on the bits of integers, where only arithmetic is at hand.
#include <cmath>
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

// Between integers of one width Cast keeps the bits.
std::string bit_cast(Expansion& e) {
  const DType from = e.dtype(0), to = static_cast<DType>(e.integer("to", 0));
  if (from == to && from != DType::undefined) {
    e.result(0, e.op("Identity", {e.in(0)}));
    return "";
  }
  if (!whole_bytes(from) || !whole_bytes(to) || bit_width(from) != bit_width(to)) return "no decomposition: the bits of floating point";
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
