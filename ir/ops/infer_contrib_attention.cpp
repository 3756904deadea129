// com.microsoft attention and embedding operators (onnxruntime docs/ContribOperators.md).
#include "ir/ops/infer_contrib.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

Dim at(const Shape* s, std::size_t i) { return s && i < s->size() ? (*s)[i] : Dim(); }
bool has_rank(const Shape* s, std::size_t rank) { return s && s->size() == rank; }

// Packed weights [input hidden, 3*hidden] of Attention and QAttention: V's part is the last third, unless the sizes are given.
Dim value_hidden(InferCtx& ctx, std::size_t weights) {
  if (const Ints* sizes = ctx.attr_ptr<Ints>("qkv_hidden_sizes"); sizes && sizes->size() == 3) return Dim((*sizes)[2]);
  return ctx.symbols().floor_div(at(ctx.input_shape(weights), 1), Dim(3));
}

// present: [2, batch, heads, past + sequence, head size]; of `past`'s own shape where both share a buffer.
void set_packed_present(InferCtx& ctx, std::size_t past, DType t, Dim hidden) {
  SymbolTable& s = ctx.symbols();
  const Shape *x = ctx.input_shape(0), *p = ctx.input_shape(past);
  const std::int64_t* heads = ctx.attr_ptr<std::int64_t>("num_heads");
  if (ctx.attr_or<std::int64_t>("past_present_share_buffer", 0) != 0) return ctx.set_tensor(1, t, copy_shape(ctx, past));
  const Dim h = heads && *heads > 0 ? Dim(*heads) : Dim();
  const Dim total = ctx.has_input(past) ? s.add(at(p, 3), at(x, 1)) : at(x, 1);
  ctx.set_tensor(1, t, Shape{Dim(2), at(x, 0), h, total, s.floor_div(hidden, h)});
}

}  // namespace

void ms_attention(InferCtx& ctx) {
  const Shape* x = ctx.input_shape(0);
  const Dim hidden = value_hidden(ctx, 1);
  ctx.set_tensor(0, ctx.input_dtype(0), Shape{at(x, 0), at(x, 1), hidden});
  if (ctx.num_outputs() > 1) set_packed_present(ctx, 4, ctx.input_dtype(0), ctx.has_attr("qkv_hidden_sizes") ? Dim() : hidden);
}

void ms_qattention(InferCtx& ctx) {
  const Shape* x = ctx.input_shape(0);
  const Dim hidden = value_hidden(ctx, 1);
  ctx.set_tensor(0, ctx.input_dtype(3), Shape{at(x, 0), at(x, 1), hidden});
  if (ctx.num_outputs() > 1) set_packed_present(ctx, 8, ctx.input_dtype(3), hidden);
}

// query [batch, sequence, hidden]; key and value alike, [batch, heads, sequence, head size], or packed into rank 5 with the query or with each other.
void ms_multi_head_attention(InferCtx& ctx) {
  SymbolTable& s = ctx.symbols();
  const DType t = ctx.input_dtype(0);
  const Shape *q = ctx.input_shape(0), *k = ctx.input_shape(1), *v = ctx.input_shape(2);
  const Dim heads(ctx.attr<std::int64_t>("num_heads"));
  Dim hidden;
  if (has_rank(q, 5)) hidden = s.mul((*q)[2], (*q)[4]);
  else if (has_rank(v, 3)) hidden = (*v)[2];
  else if (has_rank(v, 4)) hidden = s.mul(heads, (*v)[3]);
  else if (has_rank(k, 5)) hidden = at(q, 2);
  ctx.set_tensor(0, t, Shape{at(q, 0), at(q, 1), hidden});
  if (ctx.num_outputs() < 2) return;
  const Shape *past_key = ctx.input_shape(6), *past_value = ctx.input_shape(7);
  const bool shared = ctx.has_input(8) || ctx.has_input(9);  // a fixed buffer that the past length points into
  Dim total;
  if (!shared && has_rank(k, 3)) total = ctx.has_input(6) ? s.add(at(past_key, 2), (*k)[1]) : (*k)[1];
  else if (shared) total = at(past_key, 2);
  const Dim head = has_rank(k, 3) ? s.floor_div((*k)[2], heads) : at(past_key, 3);
  const Dim value_head = has_rank(v, 3) ? s.floor_div((*v)[2], heads) : at(past_value, 3);
  ctx.set_tensor(1, t, Shape{at(q, 0), heads, total, head});
  ctx.set_tensor(2, t, Shape{at(q, 0), heads, total, value_head});
  if (ctx.num_outputs() > 3) ctx.set_tensor(3, DType::undefined, std::nullopt);
}

// Without key the query holds Q, K and V side by side. The cache grows to total_sequence_length or stays the buffer it was.
void ms_group_query_attention(InferCtx& ctx) {
  SymbolTable& s = ctx.symbols();
  const Shape *q = ctx.input_shape(0), *k = ctx.input_shape(1), *past = ctx.input_shape(3);
  const Dim heads(ctx.attr<std::int64_t>("num_heads")), kv_heads(ctx.attr<std::int64_t>("kv_num_heads"));
  Dim hidden, head;
  if (ctx.has_input(1)) {
    hidden = at(q, 2);
    head = has_rank(k, 3) ? s.floor_div((*k)[2], kv_heads) : s.floor_div(hidden, heads);
  } else {
    head = s.floor_div(at(q, 2), s.add(heads, s.mul(Dim(2), kv_heads)));
    hidden = s.mul(heads, head);
  }
  ctx.set_tensor(0, ctx.input_dtype(0), Shape{at(q, 0), at(q, 1), hidden});
  const bool plain_cache = ctx.attr_or<std::int64_t>("kv_cache_bit_width", 0) == 0 && ctx.attr_or<std::int64_t>("sliding_window_cache", 0) == 0;
  Dim length;
  if (const std::optional<std::vector<Dim>> total = ctx.known(6); total && total->size() == 1 && plain_cache)
    length = ctx.has_input(3) ? s.max((*total)[0], at(past, 2)) : (*total)[0];
  for (std::size_t i = 1; i <= 2; ++i) {
    const DType t = ctx.has_input(i + 2) ? ctx.input_dtype(i + 2) : plain_cache ? ctx.input_dtype(0) : DType::undefined;
    ctx.set_tensor(i, t, Shape{at(q, 0), kv_heads, length, plain_cache ? head : Dim()});
  }
  if (ctx.num_outputs() > 3) ctx.set_tensor(3, ctx.input_dtype(0), std::nullopt);
}

// Without key the query holds Q, K and V side by side; the caches are buffers that stay as large as they are.
void ms_sparse_attention(InferCtx& ctx) {
  SymbolTable& s = ctx.symbols();
  const Shape* q = ctx.input_shape(0);
  const Dim heads(ctx.attr<std::int64_t>("num_heads")), kv_heads(ctx.attr<std::int64_t>("kv_num_heads"));
  const Dim packed = s.mul(heads, s.floor_div(at(q, 2), s.add(heads, s.mul(Dim(2), kv_heads))));
  ctx.set_tensor(0, ctx.input_dtype(0), Shape{at(q, 0), at(q, 1), ctx.has_input(1) ? at(q, 2) : packed});
  ctx.set(1, ctx.input(3));
  ctx.set(2, ctx.input(4));
}

// Searches: [batch, results, longest], [batch, results] scores and those of all steps. One sequence a row without beams.
void ms_beam_search(InferCtx& ctx) {
  const auto number = [&](std::size_t i) {
    const std::optional<std::vector<Dim>> known = ctx.known(i);
    return known && known->size() == 1 ? (*known)[0] : Dim();
  };
  const Dim batch = at(ctx.input_shape(0), 0), results = number(4);
  ctx.set_tensor(0, DType::int32, Shape{batch, results, number(1)});
  ctx.set_tensor(1, schema_dtype(ctx, 1), Shape{batch, results});
  if (ctx.num_outputs() > 2) ctx.set_tensor(2, schema_dtype(ctx, 2), Shape{Dim(), batch, number(3), Dim()});
  if (ctx.num_outputs() > 3) ctx.set_tensor(3, schema_dtype(ctx, 3), std::nullopt);
  if (ctx.num_outputs() > 4) ctx.set_tensor(4, schema_dtype(ctx, 4), Shape{batch});
}
void ms_greedy_search(InferCtx& ctx) {
  const std::optional<std::vector<Dim>> most = ctx.known(1);
  ctx.set_tensor(0, DType::int32, Shape{at(ctx.input_shape(0), 0), most && most->size() == 1 ? (*most)[0] : Dim()});
  if (ctx.num_outputs() > 1) ctx.set_tensor(1, schema_dtype(ctx, 1), Shape{at(ctx.input_shape(0), 0), Dim()});
}

void ms_gemma_rotary(InferCtx& ctx) {
  ctx.set(0, ctx.input(1));
  ctx.set(1, ctx.input(3));
}

void ms_embed_layer_normalization(InferCtx& ctx) {
  const bool quantized = ctx.node().op().name == "QEmbedLayerNormalization";
  const Shape *ids = ctx.input_shape(0), *words = ctx.input_shape(2);
  const DType t = quantized ? DType::float32 : ctx.input_dtype(2);
  const Shape out{at(ids, 0), at(ids, 1), at(words, 1)};
  ctx.set_tensor(0, t, out);
  ctx.set_tensor(1, DType::int32, std::nullopt);
  if (ctx.num_outputs() > 2) ctx.set_tensor(2, t, out);
}

void ms_skip_layer_normalization(InferCtx& ctx) {
  ctx.set(0, ctx.input(0));
  OptShape statistics = copy_shape(ctx, 0);
  if (statistics && !statistics->empty()) statistics->back() = Dim(1);
  ctx.set_tensor(1, DType::float32, statistics);
  ctx.set_tensor(2, DType::float32, std::move(statistics));
  ctx.set(3, ctx.input(0));
}

}  // namespace onnxopt::infer_fn
