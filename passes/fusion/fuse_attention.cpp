#include <cmath>

#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

const Shape& shape_at(const Match& m, std::string_view name) { return *m[name]->type.shape; }
bool has_rank_four(const Match& m, std::string_view name) { return m[name]->type.has_rank() && m[name]->type.rank() == 4; }

const Ints* perm_of(const Match& m) { return m.node("kt").attrs().get<Ints>("perm"); }
bool swaps_last(const Ints& perm) { return perm == Ints{0, 1, 3, 2}; }
bool from_sequence(const Ints& perm) { return perm == Ints{0, 2, 3, 1}; }  // [batch, sequence, heads, size]

std::optional<double> attention_scale(const Match& m) {
  if (!m.has_node("b")) return 1.0;
  const auto c = scalar_of(m["c"], m.context());
  if (!c || !(*c > 0) || !std::isfinite(*c)) return std::nullopt;  // its root is taken
  return m.node("b").is("Div") ? 1 / *c : *c;
}

// Queries, keys and values of one batch and as many heads: nothing is broadcast.
bool heads_agree(const Match& m) {
  const Shape &q = shape_at(m, "q"), &kt = shape_at(m, "kt"), &v = shape_at(m, "v");
  for (const std::size_t axis : {0, 1})
    if (!same(q[axis], kt[axis]) || !same(q[axis], v[axis])) return false;
  return true;
}

// Runtimes broadcast batch and heads of a mask, and nothing else. A mask that is the same for all queries can be repeated for each.
Value* mask_of(const Match& m) { return m.has_node("a") ? m["mask"] : m.has_node("w") ? m["cond"] : nullptr; }
bool same_for_all_queries(const Match& m) {
  const Shape &mask = *mask_of(m)->type.shape, &scores = shape_at(m, "s");
  return mask[mask.size() - 2].is(1) && !scores[2].is(1);
}
bool mask_fits(const Match& m) {
  if (!mask_of(m)) return true;
  const Type& t = mask_of(m)->type;
  if (!t.is_tensor() || (m.has_node("a") && t.dtype != m["q"]->type.dtype) || !t.has_rank() || t.rank() < 2 || t.rank() > 4) return false;
  const Shape &mask = *t.shape, &scores = shape_at(m, "s");
  for (std::size_t i = 1; i <= mask.size(); ++i) {
    const Dim d = mask[mask.size() - i], want = scores[4 - i];
    if (!same(d, want) && !(i > 1 && d.is(1))) return false;
  }
  return true;
}

// Any score plus this is this, so that Where (cond, fill, scores) is scores + Where (cond, fill, 0).
bool fill_swallows(const Match& m) {
  if (!m.has_node("w")) return true;
  const auto fill = scalar_of(m["fill"], m.context());
  return fill && *fill < 0 && (std::isinf(*fill) || (*fill <= -1e30 && m["q"]->type.dtype != DType::float16));
}

// The mask that is added; null: none.
Value* added_mask(const Match& m, Rewriter& rw) {
  if (!m.has_node("w")) return mask_of(m);
  Value* zero = rw.constant(Tensor::zeros(m["q"]->type.dtype, {}), "zero");
  const bool fill_where_true = m.node("w").input(1) == m["fill"];
  return rw.op("Where", {m["cond"], fill_where_true ? m["fill"] : zero, fill_where_true ? zero : m["fill"]});
}

// Expand (mask, [queries, 1])
Value* for_each_query(const Match& m, Value* mask, Rewriter& rw) {
  const Dim queries = shape_at(m, "q")[2];
  if (queries.is_value()) return rw.op("Expand", {mask, rw.constant(Tensor::int64s({queries.value(), 1}), "queries")});
  Value* count = rw.op("Shape", {m["q"]}, {Attribute("start", std::int64_t{2}), Attribute("end", std::int64_t{3})});
  Value* shape = rw.op("Concat", {count, rw.constant(Tensor::int64s({1}), "one")}, {Attribute("axis", std::int64_t{0})});
  return rw.op("Expand", {mask, shape});
}

}  // namespace

// y = MatMul (Softmax (MatMul (q, Transpose (k)) * c + mask), v)  ==>  y = Attention <scale = c> (q, k, v, mask)
// Where (mask, -Inf, scores) is a mask too.
// From opset 23. Scale and mask are optional. A mask of one row is repeated for all queries, once for all layers: runtimes do not broadcast it.
Rule fuse_attention() {
  return {
      .name = "fuse-attention",
      .summary = "Softmax between the products with keys and values to Attention",
      .match = R"(
        kt = Transpose (k)
        s = MatMul (q, kt)
        b = Mul|Div (s, c)
        a = Add (b, mask)
        p = Softmax (a)
        y = MatMul (p, v)
        or
        kt = Transpose (k)
        s = MatMul (q, kt)
        b = Mul|Div (s, c)
        p = Softmax (b)
        y = MatMul (p, v)
        or
        kt = Transpose (k)
        s = MatMul (q, kt)
        a = Add (s, mask)
        p = Softmax (a)
        y = MatMul (p, v)
        or
        kt = Transpose (k)
        s = MatMul (q, kt)
        p = Softmax (s)
        y = MatMul (p, v)
        or
        kt = Transpose (k)
        s = MatMul (q, kt)
        w = Where (cond, fill, s)
        p = Softmax (w)
        y = MatMul (p, v)
        or
        kt = Transpose (k)
        s = MatMul (q, kt)
        w = Where (cond, s, fill)
        p = Softmax (w)
        y = MatMul (p, v)
        or
        kt = Transpose (k)
        s = MatMul (q, kt)
        b = Mul|Div (s, c)
        w = Where (cond, fill, b)
        p = Softmax (w)
        y = MatMul (p, v)
        or
        kt = Transpose (k)
        s = MatMul (q, kt)
        b = Mul|Div (s, c)
        w = Where (cond, b, fill)
        p = Softmax (w)
        y = MatMul (p, v)
      )",
      .where = {custom("all are tensors of rank 4 and of one of the types float, float16 and bfloat16",
                       [](const Match& m) {
                         const DType t = m["q"]->type.dtype;
                         return (t == DType::float32 || t == DType::float16 || t == DType::bfloat16) && has_rank_four(m, "q") &&
                                has_rank_four(m, "kt") && has_rank_four(m, "v") && has_rank_four(m, "s") && has_rank_four(m, "p");
                       }),
                custom("the keys are transposed last",
                       [](const Match& m) { return perm_of(m) && (swaps_last(*perm_of(m)) || from_sequence(*perm_of(m))); }),
                custom("Softmax goes over the keys",
                       [](const Match& m) {
                         const auto axis = m.node("p").attr<std::int64_t>("axis");
                         return axis == -1 || axis == 3;
                       }),
                custom("the scale is one positive constant", [](const Match& m) { return attention_scale(m).has_value(); }),
                custom("batch and heads of queries, keys and values are provably the same", heads_agree),
                custom("the mask has all keys, all queries or one, and the type of the queries", mask_fits),
                custom("what stands for masked scores is the lowest number", fill_swallows)},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Value* keys = m["k"];
            if (from_sequence(*perm_of(m))) keys = rw.op("Transpose", {keys}, {{"perm", Ints{0, 2, 1, 3}}});
            std::vector<Value*> in = {m["q"], keys, m["v"]};
            if (Value* mask = added_mask(m, rw)) in.push_back(same_for_all_queries(m) ? for_each_query(m, mask, rw) : mask);
            rw.replace(m["y"], rw.op("Attention", std::move(in), {{"scale", static_cast<float>(*attention_scale(m))}}));
          },
      .level = Level::o3,
  };
}

}  // namespace onnxopt
