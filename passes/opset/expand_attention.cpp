// Attention and RotaryEmbedding from products, softmax and masks.
#include <cmath>
#include <limits>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// [batch, sequence, heads * size] to [batch, heads, sequence, size].
Value* split_heads(Expansion& e, Value* x, std::int64_t heads) {
  if (Expansion::shape_of(x)->size() == 4) return x;
  return e.transpose(e.op("Reshape", {x, e.ints({0, 0, heads, -1})}), {0, 2, 1, 3});
}

// Heads of keys and values are shared by groups of query heads.
Value* repeat_heads(Expansion& e, Value* x, std::int64_t groups) {
  if (groups == 1) return x;
  std::vector<Index> d = dims_of(e, x);
  Value* wide = e.op("Expand", {e.unsqueeze(x, {2}), vector_of(e, {d[0], d[1], Index(groups), d[2], d[3]})});
  return e.op("Reshape", {wide, vector_of(e, {d[0], mul(e, d[1], groups), d[2], d[3]})});
}

// Which keys a query may see; null: all.
Value* allowed(Expansion& e, Value* q, Value* k) {
  const bool causal = e.integer("is_causal", 0) != 0;
  const std::int64_t left = e.integer("left_window_size", -1), right = e.integer("right_window_size", -1);
  const bool nonpad = e.has(6);
  if (!causal && left < 0 && right < 0 && !nonpad) return nullptr;
  const Index queries = dim_of(e, q, 2), keys = dim_of(e, k, 2);
  Value* j = e.unsqueeze(range(e, 0, keys), {0});
  Value* valid = nonpad ? e.reshape(e.cast(e.in(6), DType::int64), {-1, 1, 1, 1}) : nullptr;
  Value* mask = nonpad ? e.op("Less", {j, valid}) : nullptr;
  const auto also = [&](Value* m) { mask = mask ? e.op("And", {mask, m}) : m; };
  if (!causal && left < 0 && right < 0) return mask;
  Value* i = e.unsqueeze(range(e, 0, queries), {1});
  Value* from = i;
  if (nonpad) from = e.add(i, e.sub(valid, vector_of(e, queries)));
  else if (e.has(4)) from = e.add(i, vector_of(e, dim_of(e, e.in(4), 2)));
  Value* distance = e.sub(from, j);
  if (causal) also(e.op("Not", {e.op("Less", {distance, e.index(0)})}));
  if (left >= 0) also(e.op("Not", {e.op("Greater", {distance, e.index(left)})}));
  if (right >= 0) also(e.op("Not", {e.op("Less", {distance, e.index(-right)})}));
  return mask;
}

bool shorter_mask(Expansion& e, const Value* k) {
  const Shape& m = *e.shape(3);
  return !m.empty() && !m.back().is(1) && !same(m.back(), (*Expansion::shape_of(k))[2]);
}

// What is added to the scores; null: nothing.
Value* bias_of(Expansion& e, Value* q, Value* k, DType t) {
  Value* mask = allowed(e, q, k);
  Value* minus = e.scalar(t, -kInf);
  Value* bias = nullptr;
  if (e.has(3)) {
    bias = e.in(3);
    const Shape& m = *e.shape(3);
    bias = e.dtype(3) == DType::boolean ? e.op("Where", {bias, e.scalar(t, 0), minus}) : e.cast(bias, t);
    if (shorter_mask(e, k)) {  // a shorter mask hides the keys behind its end
      Ints zeros(2 * m.size() - 1, 0);
      const Index last(static_cast<std::int64_t>(m.size()) - 1);
      const Index missing = sub(e, dim_of(e, k, 2), dim_of(e, e.in(3), *last.number));
      bias = e.op("Pad", {bias, e.concat({e.ints(zeros, "pads"), vector_of(e, missing)}, 0), minus});
    }
  }
  if (!mask) return bias;
  return e.op("Where", {mask, bias ? bias : e.scalar(t, 0), minus});
}

}  // namespace

std::string attention(Expansion& e) {
  const auto rank = e.rank(0);
  const DType t = e.dtype(0);
  if (!rank || (*rank != 3 && *rank != 4) || !e.rank(1) || !e.rank(2) || (e.has(3) && !e.rank(3))) return "the ranks of the inputs are not known";
  if (t != DType::float32 && t != DType::float64 && t != DType::float16 && t != DType::bfloat16) return "type: Attention of this type";
  const bool flat = *rank == 3;
  std::int64_t q_heads = e.integer("q_num_heads", 0), kv_heads = e.integer("kv_num_heads", 0);
  if (!flat) {
    if (!(*e.shape(0))[1].is_value() || !(*e.shape(1))[1].is_value()) return "no decomposition: an unknown number of heads";
    q_heads = (*e.shape(0))[1].value();
    kv_heads = (*e.shape(1))[1].value();
  }
  if (q_heads <= 0 || kv_heads <= 0 || q_heads % kv_heads != 0) return "no decomposition: an unknown number of heads";
  if (e.has(3) && e.dtype(3) == DType::undefined) return "type: a mask of an unknown type";
  Value *q = split_heads(e, e.in(0), q_heads), *k = split_heads(e, e.in(1), kv_heads), *v = split_heads(e, e.in(2), kv_heads);
  if (e.has(4)) {
    k = e.concat({e.in(4), k}, 2);
    v = e.concat({e.in(5), v}, 2);
  }
  if (e.has(3) && is_integer(e.dtype(3)) && shorter_mask(e, k) && e.shape(3)->back().is_value() && (*Expansion::shape_of(k))[2].is_value())
    return "no decomposition: a shorter mask of integers, which has no negative infinity to go on with";
  const Dim size = (*Expansion::shape_of(q))[3];
  if (!e.node().attrs().has("scale") && !size.is_value()) return "no decomposition: heads of unknown size";
  const double scale = e.node().attrs().has("scale") ? e.real("scale") : 1 / std::sqrt(static_cast<double>(size.value()));
  if (scale < 0) return "no decomposition: a negative scale";
  Value* root = e.scalar(t, std::sqrt(scale));
  const std::int64_t groups = q_heads / kv_heads;
  Value* keys = e.transpose(repeat_heads(e, e.mul(k, root), groups), {0, 1, 3, 2});
  Value* scores = e.op("MatMul", {e.mul(q, root), keys});
  const std::int64_t mode = e.integer("qk_matmul_output_mode", 0);
  const auto tap = [&](std::int64_t m, Value* x) {
    if (mode == m && e.used(3)) e.result(3, e.op("Identity", {x}));
  };
  tap(0, scores);
  if (const float cap = e.real("softcap", 0); cap > 0) scores = e.mul(e.op("Tanh", {e.div(scores, e.scalar(t, cap))}), e.scalar(t, cap));
  tap(1, scores);
  Value* bias = bias_of(e, q, k, t);
  Value* dead = nullptr;  // rows that may see no key: they give zeros
  if (bias) {
    scores = e.add(scores, bias);
    dead = e.op("Less", {e.reduce("ReduceMax", bias, {-1}), e.scalar(t, t == DType::float16    ? -65504.0
                                                                        : t == DType::float64  ? -1.7976931348623157e308
                                                                        : t == DType::bfloat16 ? -3.3895e38
                                                                                               : -3.4028234663852886e38)});
  }
  tap(2, scores);
  const std::int64_t stated = e.integer("softmax_precision", 0);
  const DType w = stated == 0 ? t : static_cast<DType>(stated);
  Value* probabilities = e.cast(scores, w);
  if (dead) probabilities = e.op("Where", {dead, e.scalar(w, 0), probabilities});
  probabilities = e.cast(e.op("Softmax", {probabilities}, {{"axis", std::int64_t{-1}}}), t);
  if (dead) probabilities = e.op("Where", {dead, e.scalar(t, 0), probabilities});
  tap(3, probabilities);
  Value* y = e.op("MatMul", {probabilities, repeat_heads(e, v, groups)});
  if (flat) y = e.op("Reshape", {e.transpose(y, {0, 2, 1, 3}), e.ints({0, 0, -1})});
  e.result(0, y);
  if (e.used(1)) e.result(1, e.op("Identity", {k}));
  if (e.used(2)) e.result(2, e.op("Identity", {v}));
  return "";
}

std::string rotary_embedding(Expansion& e) {
  const auto rank = e.rank(0);
  if (!rank || (*rank != 3 && *rank != 4)) return "the rank of the input is not known";
  const bool flat = *rank == 3, interleaved = e.integer("interleaved", 0) != 0;
  const std::int64_t heads = e.integer("num_heads", 0);
  if (flat && heads <= 0) return "no decomposition: an unknown number of heads";
  Value* x = flat ? e.op("Reshape", {e.in(0), e.ints({0, 0, heads, -1})}) : e.in(0);
  const Shape* s = Expansion::shape_of(x);
  if (!s || !s->back().is_value()) return "no decomposition: heads of unknown size";
  const std::int64_t size = s->back().value();
  const std::int64_t dim = e.integer("rotary_embedding_dim", 0) == 0 ? size : e.integer("rotary_embedding_dim");
  const std::int64_t half = dim / 2;
  const auto cache = [&](std::size_t i) {
    Value* c = e.has(3) ? e.op("Gather", {e.in(i), e.in(3)}, {{"axis", std::int64_t{0}}}) : e.in(i);
    const Shape* known = Expansion::shape_of(c);
    if (!known || known->back() != Dim(half)) c = e.slice(c, 0, half, 2);  // of a wider cache the first columns count
    return e.unsqueeze(c, {flat ? 2 : 1});
  };
  Value *cosine = cache(1), *sine = cache(2);
  Value* turned = dim == size ? x : e.slice(x, 0, dim, 3);
  Value* one = interleaved ? e.slice(turned, 0, dim, 3, 2) : e.slice(turned, 0, half, 3);
  Value* two = interleaved ? e.slice(turned, 1, dim, 3, 2) : e.slice(turned, half, dim, 3);
  Value* real = e.sub(e.mul(cosine, one), e.mul(sine, two));
  Value* imaginary = e.add(e.mul(sine, one), e.mul(cosine, two));
  Value* y;
  if (interleaved) {
    y = e.concat({e.unsqueeze(real, {4}), e.unsqueeze(imaginary, {4})}, 4);
    y = e.op("Reshape", {y, e.ints({0, 0, 0, dim})});
  } else {
    y = e.concat({real, imaginary}, 3);
  }
  if (dim != size) y = e.concat({y, e.slice(x, dim, size, 3)}, 3);
  e.result(0, flat ? e.op("Reshape", {y, e.ints({0, 0, -1})}) : y);
  return "";
}

}  // namespace onnxopt::expand_fn
