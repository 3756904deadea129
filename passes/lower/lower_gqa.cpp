// RotaryEmbedding and GroupQueryAttention, whose cache is written behind what each row of the batch holds already.
#include <algorithm>
#include <cmath>

#include "passes/lower/lower.h"

namespace onnxopt::lowering {

using std::int64_t;

namespace {

// x [batch, heads, length, size] turned by the rows of the caches, [batch or 1, length, half] each.
Value* rotate(Expansion& e, Value* x, Value* cosines, Value* sines, int64_t size, int64_t half, bool interleaved) {
  Value *c = e.unsqueeze(cosines, {1}), *s = e.unsqueeze(sines, {1});
  Value* turned = 2 * half == size ? x : e.slice(x, 0, 2 * half, 3);
  Value *one = nullptr, *two = nullptr;
  if (interleaved) {
    Value* pairs = e.reshape(turned, {0, 0, 0, half, 2});
    one = e.op("Gather", {pairs, e.index(0)}, {{"axis", int64_t{4}}});
    two = e.op("Gather", {pairs, e.index(1)}, {{"axis", int64_t{4}}});
  } else {
    one = e.slice(turned, 0, half, 3);
    two = e.slice(turned, half, 2 * half, 3);
  }
  Value *real = e.sub(e.mul(one, c), e.mul(two, s)), *imaginary = e.add(e.mul(two, c), e.mul(one, s));
  Value* y = nullptr;
  if (interleaved) y = e.reshape(e.concat({e.unsqueeze(real, {4}), e.unsqueeze(imaginary, {4})}, 4), {0, 0, 0, 2 * half});
  else y = e.concat({real, imaginary}, 3);
  return 2 * half == size ? y : e.concat({y, e.slice(x, 2 * half, size, 3)}, 3);
}

std::int64_t number_at(const Value* v, std::size_t i) {
  const Shape* s = Expansion::shape_of(v);
  return s && i < s->size() && (*s)[i].is_value() ? (*s)[i].value() : 0;
}
Value* size_of(Expansion& e, Value* x, int64_t axis) { return e.slice(e.shape_value(x), axis, axis + 1, 0); }  // [1]
Value* count_to(Expansion& e, Value* n) { return e.op("Range", {e.index(0), e.squeeze(n, {0}), e.index(1)}); }

}  // namespace

std::string rotary_embedding(Expansion& e) {
  const auto rank = e.rank(0);
  const int64_t half = number_at(e.in(2), 1), width = number_at(e.in(0), rank ? static_cast<std::size_t>(*rank) - 1 : 0);
  if (!rank || half == 0 || width == 0 || !e.shape(1)) return "type: the sizes of the input are not known";
  const int64_t dim = e.integer("rotary_embedding_dim"), stated = e.integer("num_heads");
  const int64_t size = *rank == 4 ? width : dim > 0 && stated > 0 ? width / stated : 2 * half;
  if (2 * half > size || width % size != 0) return "the caches do not fit the heads";
  Value* x = *rank == 4 ? e.in(0) : e.transpose(e.reshape(e.in(0), {0, 0, width / size, size}), {0, 2, 1, 3});
  Value* ids = e.in(1);
  if (e.rank(1) == std::optional<int64_t>(1)) ids = e.unsqueeze(e.add(ids, count_to(e, size_of(e, x, 2))), {0});  // where the first token stands
  Value* y = rotate(e, x, e.op("Gather", {e.in(2), ids}), e.op("Gather", {e.in(3), ids}), size, half, e.integer("interleaved") != 0);
  return e.result(0, *rank == 4 ? y : e.reshape(e.transpose(y, {0, 2, 1, 3}), {0, 0, -1})), "";
}

namespace {

struct Group {
  int64_t heads, kv_heads, size;
  DType t;
  Value *length, *total, *past;  // new tokens [1], the longest total [1], tokens before this step [batch, 1]; int64
  Value* first;                  // [1]: a first prompt
  Value* capacity;               // rows of the cache afterwards, [1]
};

// The cache with `now` behind the first past rows of `cache`, zeros behind that. Row i comes from the cache, from the new tokens, or from nowhere.
Value* extend_cache(Expansion& e, const Group& g, Value* cache, Value* now) {
  Value* row = e.unsqueeze(count_to(e, g.capacity), {0});  // [1, capacity]
  Value* offset = e.sub(row, g.past);                      // [batch, capacity]: which new token
  Value* zero = e.index(0);
  Value* fresh = e.op("Max", {zero, e.op("Min", {offset, e.sub(g.length, e.index(1))})});
  Value *all = now, *from = fresh;
  if (cache) {
    Value* old = size_of(e, cache, 2);
    all = e.concat({cache, now}, 2);
    from = e.op("Where", {e.op("Less", {offset, zero}), e.op("Min", {row, old}), e.add(fresh, old)});
  }
  Value* dims = e.concat({size_of(e, now, 0), e.ints({g.kv_heads}), g.capacity, e.ints({g.size})}, 0);
  Value* index = e.op("Expand", {e.unsqueeze(from, {1, 3}), dims});
  Value* rows = e.op("GatherElements", {all, index}, {{"axis", int64_t{2}}});
  Value* used = e.unsqueeze(e.op("Less", {offset, g.length}), {1, 3});
  return e.op("Where", {used, rows, e.scalar(g.t, 0)});
}

// Which keys a query sees: [batch, 1, length, capacity].
Value* seen(Expansion& e, const Group& g) {
  Value* last = e.unsqueeze(e.add(g.past, e.unsqueeze(count_to(e, g.length), {0})), {1, 3});
  Value* key = count_to(e, g.capacity);
  Value* on = e.op("LessOrEqual", {key, last});
  if (const int64_t window = e.integer("local_window_size", -1); window > 0)
    on = e.op("And", {on, e.op("Greater", {key, e.sub(last, e.index(window))})});
  return on;
}

Value* weights_of(Expansion& e, const Group& g, Value* scores) {  // [batch, heads, length, capacity]
  Value* sink = nullptr;
  if (e.has(11)) sink = e.reshape(e.in(11), {1, g.heads, 1, 1});
  else if (e.integer("smooth_softmax", -1) == 1) sink = e.reshape(e.scalar(g.t, 0), {1, 1, 1, 1});
  if (!sink) return e.op("Softmax", {scores}, {{"axis", int64_t{-1}}});
  // One more key, of which nothing is read.
  Value* dims = e.concat({size_of(e, scores, 0), e.ints({g.heads}), g.length, e.ints({1})}, 0);
  Value* all = e.op("Softmax", {e.concat({scores, e.op("Expand", {sink, dims})}, 3)}, {{"axis", int64_t{-1}}});
  return e.op("Slice", {all, e.ints({0}, "starts"), g.capacity, e.ints({3}, "axes")});
}

std::string refuse_group(Expansion& e) {
  if (e.text("k_quant_type", "NONE") != "NONE" || e.text("v_quant_type", "NONE") != "NONE" || e.integer("kv_cache_bit_width") != 0)
    return "a quantized cache";
  if (e.integer("sliding_window_cache") != 0) return "a sliding cache";
  if (e.integer("causal", 1) != 1) return "it is not causal";
  if (e.has(14) || e.has(15)) return "norms of query and key";
  if (e.used(3)) return "its scores are read";
  return "";
}

}  // namespace

std::string group_query_attention(Expansion& e) {
  if (std::string why = refuse_group(e); !why.empty()) return why;
  Group g{e.integer("num_heads"), e.integer("kv_num_heads"), 0, e.dtype(), nullptr, nullptr, nullptr, nullptr, nullptr};
  const int64_t width = number_at(e.in(0), 2);
  const bool packed = !e.has(1);
  const int64_t parts = packed ? g.heads + 2 * g.kv_heads : g.heads;
  if (g.t == DType::undefined || g.heads < 1 || g.kv_heads < 1 || width == 0 || width % parts != 0) return "type: the type of the query is not known";
  g.size = width / parts;
  std::array<Value*, 3> x{e.in(0), e.in(1), e.in(2)};
  if (packed) {
    Node& n = e.make("Split", {e.in(0), e.ints({g.heads * g.size, g.kv_heads * g.size, g.kv_heads * g.size}, "sizes")}, {{"axis", int64_t{2}}}, 3);
    x = {n.output(0), n.output(1), n.output(2)};
  }
  for (std::size_t i = 0; i < 3; ++i) x[i] = e.transpose(e.reshape(x[i], {0, 0, i == 0 ? g.heads : g.kv_heads, g.size}), {0, 2, 1, 3});
  g.length = size_of(e, e.in(0), 1);
  g.total = e.reshape(e.cast(e.in(6), DType::int64), {1});
  g.first = e.op("Equal", {g.total, g.length});
  Value* lengths = e.reshape(e.add(e.cast(e.in(5), DType::int64), e.index(1)), {-1, 1});  // [batch, 1]
  g.past = e.op("Where", {g.first, e.index(0), e.sub(lengths, g.length)});
  g.capacity = e.has(3) ? e.op("Max", {g.total, size_of(e, e.in(3), 2)}) : g.total;
  if (e.integer("do_rotary") != 0) {
    const int64_t half = number_at(e.in(7), 1);
    if (half == 0 || 2 * half > g.size) return "type: the size of the caches is not known";
    Value* step = e.unsqueeze(count_to(e, g.length), {0});
    Value* place = e.add(g.past, step);
    Value* padding = e.op("And", {g.first, e.op("GreaterOrEqual", {step, lengths})});  // of a first prompt stands at 1
    Value* ids = e.op("Where", {padding, e.index(1), place});
    if (e.has(9)) {
      Value* start = e.add(e.slice(e.reshape(e.in(9), {-1}), 0, 1, 0), step);
      ids = e.op("Where", {g.first, start, e.in(9)});
    }
    Value *c = e.op("Gather", {e.in(7), ids}), *s = e.op("Gather", {e.in(8), ids});
    for (std::size_t i = 0; i < 2; ++i) x[i] = rotate(e, x[i], c, s, g.size, half, e.integer("rotary_interleaved") != 0);
  }
  Value *k = extend_cache(e, g, e.in(3), x[1]), *v = extend_cache(e, g, e.in(4), x[2]);
  if (e.used(1)) e.result(1, k);
  if (e.used(2)) e.result(2, v);
  // Heads of Q in groups that share a head of K and V.
  Value* q = e.reshape(x[0], {0, g.kv_heads, g.heads / g.kv_heads, -1, g.size});
  float scale = e.real("scale", 0);
  if (scale == 0) scale = 1 / std::sqrt(static_cast<float>(g.size));
  Value* product = e.op("MatMul", {q, e.transpose(e.unsqueeze(k, {2}), {0, 1, 2, 4, 3})});
  Value* dims = e.concat({size_of(e, x[0], 0), e.ints({g.heads}), g.length, g.capacity}, 0);
  Value* scores = e.mul(e.op("Reshape", {product, dims}), e.scalar(g.t, scale));
  if (const float cap = e.real("softcap", 0); cap > 0) scores = e.mul(e.op("Tanh", {e.div(scores, e.scalar(g.t, cap))}), e.scalar(g.t, cap));
  if (e.has(10)) {  // of the keys up to the longest total, or more; the rest of the cache is not seen anyway
    Value* rest = e.sub(g.capacity, size_of(e, e.in(10), 3));
    Value* pads = e.concat({e.ints({0, 0, 0, 0, 0, 0, 0}), rest}, 0);
    scores = e.add(scores, e.op("Pad", {e.in(10), pads, e.scalar(g.t, 0)}));
  }
  scores = e.op("Where", {seen(e, g), scores, e.scalar(g.t, -HUGE_VAL)});
  Value* w = e.op("Reshape",
                  {weights_of(e, g, scores), e.concat({size_of(e, x[0], 0), e.ints({g.kv_heads, g.heads / g.kv_heads}), g.length, g.capacity}, 0)});
  Value* y = e.reshape(e.op("MatMul", {w, e.unsqueeze(v, {2})}), {0, g.heads, -1, g.size});
  return e.result(0, e.reshape(e.transpose(y, {0, 2, 1, 3}), {0, 0, -1})), "";
}

}  // namespace onnxopt::lowering
