// Attention, MultiHeadAttention, QAttention: projections, heads, scores, masks, softmax. What is masked gets `mask_filter_value` added, what
// causality forbids the lowest number, as ONNX Runtime has it.
#include <algorithm>
#include <cmath>

#include "ir/core/element.h"
#include "passes/lower/lower.h"

namespace onnxopt::lowering {

using std::int64_t;

namespace {

// [batch, length, heads * size] to [batch, heads, length, size].
Value* split_heads(Expansion& e, Value* x, int64_t heads) { return e.transpose(e.reshape(x, {0, 0, heads, -1}), {0, 2, 1, 3}); }
Value* join_heads(Expansion& e, Value* x) { return e.reshape(e.transpose(x, {0, 2, 1, 3}), {0, 0, -1}); }
Value* size_of(Expansion& e, Value* x, int64_t axis) { return e.slice(e.shape_value(x), axis, axis + 1, 0); }  // [1]
Value* number(Expansion& e, Value* one) { return e.squeeze(one, {0}); }
Value* count_to(Expansion& e, Value* n) { return e.op("Range", {e.index(0), number(e, n), e.index(1)}); }

struct Masks {
  Value *padding = nullptr, *extra = nullptr;  // as the operator has them
  bool causal = false;
  float filter = -10000;
};

// True where a key may be seen, of four dims that broadcast; null and a reason: the form is not known.
Value* seen_keys(Expansion& e, Value* mask, Value* batch_like, Value* keys, std::string& why) {
  const Shape* s = Expansion::shape_of(mask);
  const DType t = Expansion::dtype_of_value(mask);
  if (!s || t == DType::undefined) return why = "type: the rank of the mask is not known", nullptr;
  if (s->size() == 2 || s->size() == 3) {
    Value* on = e.op("Greater", {mask, e.cast(e.tensor(Tensor::scalar<std::int32_t>(0)), t)});
    return e.unsqueeze(on, s->size() == 2 ? Ints{1, 2} : Ints{1});
  }
  const Shape* x = Expansion::shape_of(batch_like);
  if (s->size() != 1 || !x || x->empty()) return why = "the form of the mask is not known", nullptr;
  const Dim n = (*s)[0], batch = (*x)[0];
  const bool ends = same(n, batch), both = n.is_value() && batch.is_value() && n.value() == 2 * batch.value();
  if (!ends && !both) return why = "the form of the mask is not known", nullptr;
  Value* position = count_to(e, keys);
  Value* limit = e.cast(both ? e.slice(mask, 0, batch.value(), 0) : mask, DType::int64);
  Value* on = e.op("Less", {position, e.unsqueeze(limit, {1})});
  if (both) {
    Value* start = e.cast(e.slice(mask, batch.value(), 2 * batch.value(), 0), DType::int64);
    on = e.op("And", {on, e.op("GreaterOrEqual", {position, e.unsqueeze(start, {1})})});
  }
  return e.unsqueeze(on, {1, 2});
}

Value* lowest(Expansion& e, DType t) { return e.scalar(t, lowest_value(t)); }

// Softmax (scale * q kT + masks) v; heads of all three split. `scores`: what goes into the softmax.
std::string attend(Expansion& e, Value* q, Value* k, Value* v, Value* batch_like, const Masks& m, Value*& out, Value*& scores) {
  const DType t = Expansion::dtype_of_value(q);
  const Shape* qs = Expansion::shape_of(q);
  float scale = e.real("scale", 0);
  Value* product = e.op("MatMul", {q, e.transpose(k, {0, 1, 3, 2})});
  if (scale == 0) {
    if (!qs || qs->size() != 4 || !(*qs)[3].is_value()) return "type: the size of the heads is not known";
    scale = 1 / std::sqrt(static_cast<float>((*qs)[3].value()));
  }
  scores = e.mul(product, e.scalar(t, scale));
  Value* added = nullptr;
  Value* none = e.scalar(t, 0);
  if (m.padding) {
    std::string why;
    Value* seen = seen_keys(e, m.padding, batch_like, size_of(e, k, 2), why);
    if (!seen) return why;
    added = e.op("Where", {seen, none, e.scalar(t, m.filter)});
  }
  const bool one_query = qs && qs->size() == 4 && (*qs)[2].is(1);
  if (m.causal && !one_query) {
    Value *keys = size_of(e, k, 2), *queries = size_of(e, q, 2);
    Value* last = e.add(e.unsqueeze(count_to(e, queries), {1}), e.sub(keys, queries));  // a query sees itself and all before
    Value* ahead = e.op("Greater", {count_to(e, keys), last});
    added = e.op("Where", {ahead, lowest(e, t), added ? added : none});
  }
  if (m.extra) added = added ? e.add(added, m.extra) : m.extra;
  if (added) scores = e.add(scores, added);
  out = join_heads(e, e.op("MatMul", {e.op("Softmax", {scores}, {{"axis", int64_t{-1}}}), v}));
  return "";
}

Value* with_past(Expansion& e, Value* past, Value* now) { return e.concat({past, now}, 2); }
Value* half_of(Expansion& e, Value* past, int64_t i) { return e.op("Gather", {past, e.index(i)}, {{"axis", int64_t{0}}}); }

// Attention behind the projection: Q, K and V side by side.
std::string packed(Expansion& e, Value* projected, std::size_t mask, std::size_t past, std::size_t extra) {
  if (e.integer("past_present_share_buffer") != 0 || e.integer("do_rotary") != 0) return "past_present_share_buffer or do_rotary";
  const Shape* s = Expansion::shape_of(projected);
  const int64_t heads = e.integer("num_heads");
  if (!s || s->size() != 3 || !s->back().is_value() || heads < 1) return "type: the size of the projection is not known";
  const Ints* stated = e.integers("qkv_hidden_sizes");
  const int64_t third = s->back().value() / 3;
  const Ints sizes = stated && stated->size() == 3 ? *stated : Ints{third, third, third};
  Node& parts = e.make("Split", {projected, e.ints(sizes, "sizes")}, {{"axis", int64_t{2}}}, 3);
  std::array<Value*, 3> h{};
  for (std::size_t i = 0; i < 3; ++i) {
    if (sizes[i] % heads != 0) return "the heads do not divide the projection";
    h[i] = e.transpose(e.reshape(parts.output(i), {0, 0, heads, sizes[i] / heads}), {0, 2, 1, 3});
  }
  auto [q, k, v] = h;
  if (e.has(past)) {
    k = with_past(e, half_of(e, e.in(past), 0), k);
    v = with_past(e, half_of(e, e.in(past), 1), v);
  }
  if (e.used(1)) e.result(1, e.concat({e.unsqueeze(k, {0}), e.unsqueeze(v, {0})}, 0));
  const Masks m{e.has(mask) ? e.in(mask) : nullptr, extra ? e.in(extra) : nullptr, e.integer("unidirectional") != 0,
                e.real("mask_filter_value", -10000)};
  Value *y = nullptr, *scores = nullptr;
  if (std::string why = attend(e, q, k, v, e.in(0), m, y, scores); !why.empty()) return why;
  return e.result(0, y), "";
}

}  // namespace

std::string attention(Expansion& e) {
  if (e.dtype() == DType::undefined) return "type: the element type is not known";
  Value* y = e.op("MatMul", {e.in(0), e.in(1)});
  return packed(e, e.has(2) ? e.add(y, e.in(2)) : y, 3, 4, e.node().inputs().size() > 5 ? 5 : 0);
}

std::string qattention(Expansion& e) {
  const DType t = e.dtype(3);
  if (t == DType::undefined) return "type: the element type is not known";
  if (e.has(7) && e.rank(7) != std::optional<int64_t>(0) && e.rank(7) != std::optional<int64_t>(1))
    return "type: the rank of the zero point is not known";
  Value* sums = e.op("MatMulInteger", {e.in(0), e.in(1), e.in(6), e.in(7)});
  return packed(e, e.add(e.mul(e.cast(sums, t), e.mul(e.in(3), e.in(4))), e.in(2)), 5, 8, 0);
}

std::string multi_head_attention(Expansion& e) {
  const int64_t heads = e.integer("num_heads");
  const auto rank = e.rank(0);
  if (e.dtype() == DType::undefined || !rank || heads < 1) return "type: the type of the query is not known";
  if (e.has(8) || e.has(9)) return "a shared cache or beams";
  std::array<Value*, 3> x{e.in(0), e.in(1), e.in(2)};
  const auto part = [&](Value* of, int64_t i) {  // [batch, length, heads, parts, size] to [batch, length, heads * size]
    return e.reshape(e.op("Gather", {of, e.index(i)}, {{"axis", int64_t{3}}}), {0, 0, -1});
  };
  if (!x[1]) {
    if (*rank != 5) return "a packed query of three dimensions";
    x = {part(e.in(0), 0), part(e.in(0), 1), part(e.in(0), 2)};
  } else if (e.rank(1) == std::optional<int64_t>(5)) {
    x = {x[0], part(e.in(1), 0), part(e.in(1), 1)};
  }
  if (!x[2] || !Expansion::shape_of(x[1]) || !Expansion::shape_of(x[2])) return "type: the rank of key or value is not known";
  if (e.has(3)) {
    Ints sizes;
    for (Value* v : x) {
      const Shape* s = Expansion::shape_of(v);
      if (!s || s->size() != 3 || !s->back().is_value()) return "type: the sizes that the bias has are not known";
      sizes.push_back(s->back().value());
    }
    Node& b = e.make("Split", {e.in(3), e.ints(sizes, "sizes")}, {{"axis", int64_t{0}}}, 3);
    for (std::size_t i = 0; i < 3; ++i) x[i] = e.add(x[i], b.output(i));
  }
  for (Value*& v : x)
    if (Expansion::shape_of(v)->size() == 3) v = split_heads(e, v, heads);
  if (e.has(6)) x[1] = with_past(e, e.in(6), x[1]), x[2] = with_past(e, e.in(7), x[2]);
  if (e.used(1)) e.result(1, x[1]);
  if (e.used(2)) e.result(2, x[2]);
  const Masks m{e.in(4), e.in(5), e.integer("unidirectional") != 0, e.real("mask_filter_value", -10000)};
  Value *y = nullptr, *scores = nullptr;
  if (std::string why = attend(e, x[0], x[1], x[2], e.in(0), m, y, scores); !why.empty()) return why;
  if (e.used(3)) e.result(3, scores);
  return e.result(0, y), "";
}

}  // namespace onnxopt::lowering
