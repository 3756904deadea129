// Normalizations, attention, losses, vision operators.
#include <fmt/format.h>

#include "ir/ops/infer_driver.h"
#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

Dim at(const Shape* s, std::size_t i) { return s && i < s->size() ? (*s)[i] : Dim(); }

// Mean and inverse standard deviation: X's shape with 1 from `axis` on.
OptShape statistics_shape(InferCtx& ctx, std::int64_t axis) {
  OptShape s = copy_shape(ctx, 0);
  if (!s) return s;
  const std::int64_t first = normalize_axis(ctx, axis, static_cast<std::int64_t>(s->size()));
  for (std::size_t i = static_cast<std::size_t>(first); i < s->size(); ++i) (*s)[i] = Dim(1);
  return s;
}

DType stash_dtype(const InferCtx& ctx) {
  const std::int64_t number = ctx.attr_or<std::int64_t>("stash_type", 1);
  return is_known_dtype(number) ? static_cast<DType>(number) : DType::undefined;
}

}  // namespace

void batch_normalization(InferCtx& ctx) {
  ctx.set(0, ctx.input(0));
  for (std::size_t i = 1; i < ctx.num_outputs(); ++i) {
    const bool typed_like_mean = ctx.since() >= 14;
    ctx.set_tensor(i, ctx.input_dtype(typed_like_mean ? 3 : 0), copy_shape(ctx, 1));
  }
}

void layer_normalization(InferCtx& ctx) {
  ctx.set(0, ctx.input(0));
  // Before opset 17 it is ONNX Runtime's own, and the scale's type is the result's.
  if (ctx.since() < 17 && ctx.input_dtype(1) != DType::undefined) ctx.set_tensor(0, ctx.input_dtype(1), copy_shape(ctx, 0));
  const std::int64_t axis = ctx.attr_or<std::int64_t>("axis", -1);
  for (std::size_t i = 1; i < ctx.num_outputs(); ++i) ctx.set_tensor(i, stash_dtype(ctx), statistics_shape(ctx, axis));
}

// The scale's type is the result's. The row of ONNX Runtime (SimplifiedLayerNormalization) also gives the inverse deviation.
void rms_normalization(InferCtx& ctx) {
  ctx.set_tensor(0, ctx.input_dtype(1) != DType::undefined ? ctx.input_dtype(1) : ctx.input_dtype(0), copy_shape(ctx, 0));
  if (ctx.num_outputs() > 1) ctx.set_tensor(1, stash_dtype(ctx), statistics_shape(ctx, ctx.attr_or<std::int64_t>("axis", -1)));
}

// Rank 4: [batch, heads, sequence, head size]; rank 3: [batch, sequence, heads*head size] with head counts from the attributes.
void attention(InferCtx& ctx) {
  const Shape *q = ctx.input_shape(0), *k = ctx.input_shape(1), *v = ctx.input_shape(2);
  const DType t = ctx.input_dtype(0), tv = ctx.input_dtype(2);
  if (!q || (q->size() != 3 && q->size() != 4)) {
    ctx.set_tensor(0, t, std::nullopt);
    ctx.set_tensor(1, t, Shape(4));
    ctx.set_tensor(2, tv, Shape(4));
    ctx.set_tensor(3, t, Shape(4));
    return;
  }
  SymbolTable& s = ctx.symbols();
  const bool packed = q->size() == 3;
  const auto heads_of = [&](std::string_view name, const Shape* shape) {
    const std::int64_t* n = packed ? ctx.attr_ptr<std::int64_t>(name) : nullptr;  // with rank 4 the shape says it
    return n ? Dim(*n) : packed ? Dim() : at(shape, 1);
  };
  const Dim q_heads = heads_of("q_num_heads", q), kv_heads = heads_of("kv_num_heads", k);
  const Dim q_length = (*q)[packed ? 1 : 2], kv_length = at(k, packed ? 1 : 2);
  const Dim head = packed ? s.floor_div(at(k, 2), kv_heads) : at(k, 3), v_head = packed ? s.floor_div(at(v, 2), kv_heads) : at(v, 3);
  if (packed) ctx.set_tensor(0, t, Shape{(*q)[0], q_length, s.mul(q_heads, v_head)});
  else ctx.set_tensor(0, t, Shape{(*q)[0], q_heads, q_length, v_head});
  Dim total = kv_length;
  if (ctx.has_input(4)) total = s.add(at(ctx.input_shape(4), 2), kv_length);
  ctx.set_tensor(1, t, Shape{(*q)[0], kv_heads, total, head});
  ctx.set_tensor(2, tv, Shape{(*q)[0], kv_heads, total, v_head});
  ctx.set_tensor(3, t, Shape{(*q)[0], q_heads, q_length, total});
}

void linear_attention(InferCtx& ctx) {
  const Shape *q = ctx.input_shape(0), *k = ctx.input_shape(1), *v = ctx.input_shape(2);
  SymbolTable& s = ctx.symbols();
  const Dim q_heads(ctx.attr<std::int64_t>("q_num_heads")), kv_heads(ctx.attr<std::int64_t>("kv_num_heads"));
  const Dim head = s.floor_div(at(k, 2), kv_heads), v_head = s.floor_div(at(v, 2), kv_heads);
  ctx.set_tensor(0, ctx.input_dtype(0), Shape{at(q, 0), at(q, 1), s.mul(q_heads, v_head)});
  const DType state = ctx.has_input(3) ? ctx.input_dtype(3) : ctx.input_dtype(0);
  ctx.set_tensor(1, state, Shape{at(q, 0), kv_heads, head, v_head});
}

void causal_conv_with_state(InferCtx& ctx) {
  ctx.set(0, ctx.input(0));
  const Shape *x = ctx.input_shape(0), *w = ctx.input_shape(1);
  ctx.set_tensor(1, ctx.input_dtype(0), Shape{at(x, 0), at(x, 1), ctx.symbols().sub(at(w, 2), Dim(1))});
}

void flex_attention(InferCtx& ctx) {
  const Shape *q = ctx.input_shape(0), *k = ctx.input_shape(1), *v = ctx.input_shape(2);
  ctx.set_tensor(0, ctx.input_dtype(0), Shape{at(q, 0), at(q, 1), at(q, 2), at(v, 3)});
  const std::int64_t precision = ctx.attr_or<std::int64_t>("softmax_precision", ctx.input_dtype(0) == DType::float64 ? 11 : 1);
  for (Graph* g : ctx.node().subgraphs()) {
    if (g->inputs().empty() || !ctx.driver()) continue;
    g->inputs()[0]->type =
        Type::tensor(is_known_dtype(precision) ? static_cast<DType>(precision) : DType::undefined, Shape{at(q, 0), at(q, 1), at(q, 2), at(k, 2)});
    ctx.driver()->body(*g);
  }
}

void negative_log_likelihood_loss(InferCtx& ctx) {
  const bool none = ctx.attr_or<std::string>("reduction", "mean") == "none";
  ctx.set_tensor(0, ctx.input_dtype(0), none ? copy_shape(ctx, 1) : OptShape(Shape{}));
}

void softmax_cross_entropy_loss(InferCtx& ctx) {
  negative_log_likelihood_loss(ctx);
  if (ctx.num_outputs() > 1) ctx.set(1, ctx.input(0));
}

void grid_sample(InferCtx& ctx) {
  const Shape *x = ctx.input_shape(0), *grid = ctx.input_shape(1);
  const std::size_t rank = x ? x->size() : grid ? grid->size() : 0;
  if (rank < 3) return ctx.set_tensor(0, ctx.input_dtype(0), std::nullopt);
  if (x && grid && x->size() != grid->size()) ctx.fail(fmt::format("input of rank {}, grid of rank {}", x->size(), grid->size()));
  Shape out{at(x, 0), at(x, 1)};
  for (std::size_t i = 1; i + 1 < rank; ++i) out.push_back(at(grid, i));
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

void affine_grid(InferCtx& ctx) {
  const std::optional<std::vector<Dim>> size = ctx.known(1);
  const Shape* length = ctx.input_shape(1);
  std::size_t count = size ? size->size() : 0;
  if (!size && length && length->size() == 1 && (*length)[0].is_value()) count = static_cast<std::size_t>((*length)[0].value());
  if (count != 4 && count != 5) return ctx.set_tensor(0, ctx.input_dtype(0), std::nullopt);
  Shape out{size ? (*size)[0] : Dim()};
  for (std::size_t i = 2; i < count; ++i) out.push_back(size ? (*size)[i] : Dim());
  out.push_back(Dim(count - 2));
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

void non_max_suppression(InferCtx& ctx) { ctx.set_tensor(0, DType::int64, Shape{Dim(), Dim(3)}); }

void image_decoder(InferCtx& ctx) {
  const std::string format = ctx.attr_or<std::string>("pixel_format", "RGB");
  ctx.set_tensor(0, DType::uint8, Shape{Dim(), Dim(), Dim(format == "Grayscale" ? 1 : 3)});
}

}  // namespace onnxopt::infer_fn
