// com.microsoft: the operators that ONNX Runtime's optimizer and quantizer write (onnxruntime docs/ContribOperators.md). What has no function here
// gets its element types from the schema.
#include "ir/ops/infer_contrib.h"

#include <algorithm>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_matmul.h"
#include "ir/ops/infer_util.h"
#include "ir/ops/infer_window.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

// [N, spatial..., C] -> [N, C, spatial...] and back.
Shape channels_first(const Shape& s) {
  Shape r = s;
  if (r.size() > 2) std::rotate(r.begin() + 1, r.end() - 1, r.end());
  return r;
}
Shape channels_last(const Shape& s) {
  Shape r = s;
  if (r.size() > 2) std::rotate(r.begin() + 1, r.begin() + 2, r.end());
  return r;
}

// Of an empty input there is no axis of tokens; its last one is 0.
void tokenizer(InferCtx& ctx) {
  OptShape s = copy_shape(ctx, 0);
  if (s && std::any_of(s->begin(), s->end(), [](const Dim& d) { return d.is_value() && d.value() == 0; })) s->back() = Dim(0);
  else if (s && std::all_of(s->begin(), s->end(), [](const Dim& d) { return d.is_value(); })) s->push_back(Dim());
  else s.reset();
  ctx.set_tensor(0, DType::string, std::move(s));
}

// Weights may be in either layout there, so only their first dim counts: the spatial extent comes from kernel_shape.
OptShape nhwc_conv_shape(InferCtx& ctx, std::size_t x, std::size_t w) {
  const Shape *in = ctx.input_shape(x), *weights = ctx.input_shape(w);
  if (!in) return std::nullopt;
  OptShape out;
  const Shape moved = channels_first(*in);
  out = conv_shape(ctx, &moved, nullptr);
  if (out && weights && !weights->empty()) (*out)[1] = (*weights)[0];
  return out ? OptShape(channels_last(*out)) : std::nullopt;
}

void nhwc_conv(InferCtx& ctx) { ctx.set_tensor(0, ctx.input_dtype(0), nhwc_conv_shape(ctx, 0, 1)); }

bool is_channels_last(const InferCtx& ctx) { return ctx.attr_or<std::int64_t>("channels_last", 0) != 0; }

void ms_qlinear_conv(InferCtx& ctx) {
  ctx.set_tensor(0, ctx.input_dtype(7), is_channels_last(ctx) ? nhwc_conv_shape(ctx, 0, 3) : conv_shape(ctx, ctx.input_shape(0), ctx.input_shape(3)));
}

void nhwc_pool(InferCtx& ctx) {
  const Shape* in = ctx.input_shape(0);
  if (!in) return ctx.set_tensor(0, ctx.input_dtype(0), std::nullopt);
  const Shape moved = channels_first(*in);
  const OptShape out = pool_shape(ctx, &moved);
  ctx.set_tensor(0, ctx.input_dtype(0), out ? OptShape(channels_last(*out)) : std::nullopt);
}

void qlinear_pool(InferCtx& ctx) {
  if (is_channels_last(ctx)) return nhwc_pool(ctx);
  ctx.set_tensor(0, ctx.input_dtype(0), pool_shape(ctx, ctx.input_shape(0)));
}

void qlinear_global_pool(InferCtx& ctx) {
  OptShape out = copy_shape(ctx, 0);
  if (out && out->size() > 2) {
    const std::size_t first = is_channels_last(ctx) ? 1 : 2;
    for (std::size_t i = 0; i + 2 < out->size(); ++i) (*out)[first + i] = Dim(1);
  }
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

OptShape broadcast_of(InferCtx& ctx, std::initializer_list<std::size_t> inputs) {
  OptShape r;
  for (const std::size_t i : inputs) {
    const Shape* s = ctx.input_shape(i);
    if (!s) return std::nullopt;
    r = r ? broadcast(ctx, *r, *s) : *s;
  }
  return r;
}

void broadcast_first_two(InferCtx& ctx) { ctx.set_tensor(0, ctx.input_dtype(0), broadcast_of(ctx, {0, 1})); }
void qlinear_binary(InferCtx& ctx) { ctx.set_tensor(0, ctx.input_dtype(0), broadcast_of(ctx, {0, 3})); }
void qlinear_where(InferCtx& ctx) { ctx.set_tensor(0, ctx.input_dtype(1), broadcast_of(ctx, {0, 1, 4})); }

// Inputs: output scale and zero point, then value, scale, zero point for each part.
void qlinear_concat(InferCtx& ctx) {
  Shape out;
  Dim sum(0);
  const DType t = ctx.input_dtype(1);
  if (ctx.num_inputs() % 3 != 2) ctx.fail("each part needs a value, a scale and a zero point");
  for (std::size_t i = 2; i < ctx.num_inputs(); i += 3) {
    const Shape* s = ctx.input_shape(i);
    if (!s) return ctx.set_tensor(0, t, std::nullopt);
    if (i == 2) out = Shape(s->size());
    if (s->size() != out.size()) ctx.fail("inputs of different ranks");
    const std::int64_t axis = normalize_axis(ctx, ctx.attr<std::int64_t>("axis"), static_cast<std::int64_t>(out.size()));
    for (std::size_t k = 0; k < out.size(); ++k)
      if (k != static_cast<std::size_t>(axis)) out[k] = equal_dim(ctx, out[k], (*s)[k]);
    sum = ctx.symbols().add(sum, (*s)[static_cast<std::size_t>(axis)]);
    out[static_cast<std::size_t>(axis)] = sum;
  }
  ctx.set_tensor(0, t, std::move(out));
}

void swap_last_two(Shape& s) {
  if (s.size() >= 2) std::swap(s[s.size() - 1], s[s.size() - 2]);
}

void fused_matmul(InferCtx& ctx) {
  const Shape *a = ctx.input_shape(0), *b = ctx.input_shape(1);
  const bool batch_moved = ctx.attr_or<std::int64_t>("transBatchA", 0) != 0 || ctx.attr_or<std::int64_t>("transBatchB", 0) != 0;
  if (!a || !b || batch_moved) return ctx.set_tensor(0, ctx.input_dtype(0), std::nullopt);
  Shape x = *a, y = *b;
  if (ctx.attr_or<std::int64_t>("transA", 0) != 0) swap_last_two(x);
  if (ctx.attr_or<std::int64_t>("transB", 0) != 0) swap_last_two(y);
  ctx.set_tensor(0, ctx.input_dtype(0), matmul_shape(ctx, std::move(x), std::move(y)));
}

void matmul_like_first(InferCtx& ctx) { ctx.set_tensor(0, ctx.input_dtype(0), matmul_shape(ctx, 0, 1)); }
void matmul_integer_to_float(InferCtx& ctx) { ctx.set_tensor(0, ctx.input_dtype(2), matmul_shape(ctx, 0, 1)); }

// A [..., K] times a packed [N, K].
void matmul_nbits(InferCtx& ctx) {
  OptShape out = copy_shape(ctx, 0);
  if (out && !out->empty()) out->back() = Dim(ctx.attr<std::int64_t>("N"));
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

void qgemm(InferCtx& ctx) {
  const Shape *a = ctx.input_shape(0), *b = ctx.input_shape(3);
  const Dim m = a && a->size() == 2 ? (*a)[ctx.attr_or<std::int64_t>("transA", 0) != 0 ? 1 : 0] : Dim();
  const Dim n = b && b->size() == 2 ? (*b)[ctx.attr_or<std::int64_t>("transB", 0) != 0 ? 0 : 1] : Dim();
  ctx.set_tensor(0, ctx.has_input(8) ? ctx.input_dtype(8) : DType::float32, Shape{m, n});
}

// 4-bit data in uint8 holds two elements a byte along the last axis.
void gather_block_quantized(InferCtx& ctx) {
  const Shape *data = ctx.input_shape(0), *indices = ctx.input_shape(1);
  const DType t = ctx.input_dtype(2);
  if (!data || data->empty() || !indices) return ctx.set_tensor(0, t, std::nullopt);
  Shape unpacked = *data;
  const std::int64_t bits = ctx.attr_or<std::int64_t>("bits", 4);
  if (ctx.input_dtype(0) == DType::uint8 && bits > 0 && bits < 8) unpacked.back() = ctx.symbols().mul(unpacked.back(), Dim(8 / bits));
  const std::int64_t axis = normalize_axis(ctx, ctx.attr_or<std::int64_t>("gather_axis", 0), static_cast<std::int64_t>(unpacked.size()));
  Shape out(unpacked.begin(), unpacked.begin() + axis);
  out.insert(out.end(), indices->begin(), indices->end());
  out.insert(out.end(), unpacked.begin() + axis + 1, unpacked.end());
  ctx.set_tensor(0, t, std::move(out));
}

void bias_split_gelu(InferCtx& ctx) {
  OptShape out = copy_shape(ctx, 0);
  if (out && !out->empty()) out->back() = ctx.symbols().floor_div(out->back(), Dim(2));
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

void skip_group_norm(InferCtx& ctx) {
  ctx.set(0, ctx.input(0));
  ctx.set(1, ctx.input(0));
}

void bias_dropout(InferCtx& ctx) {
  ctx.set(0, ctx.input(0));
  ctx.set_tensor(1, DType::boolean, copy_shape(ctx, 0));
}

void cdist(InferCtx& ctx) {
  const Shape *a = ctx.input_shape(0), *b = ctx.input_shape(1);
  ctx.set_tensor(0, ctx.input_dtype(0), Shape{a && !a->empty() ? (*a)[0] : Dim(), b && !b->empty() ? (*b)[0] : Dim()});
}

void dynamic_quantize_lstm(InferCtx& ctx) {
  if (ctx.has_attr("hidden_size")) return rnn(ctx);  // the recurrent weights lie transposed, so they do not tell
  infer_from_schema(ctx);
}

void sparse_matmul(InferCtx& ctx) {
  const Type& a = ctx.input(0);
  const Shape* b = ctx.input_shape(1);
  if (!a.shape || a.shape->size() != 2 || !b || b->size() != 2) return ctx.set_tensor(0, ctx.input_dtype(1), std::nullopt);
  const auto flag = [&](std::string_view name) { return ctx.attr_or<std::int64_t>(name, 0) != 0; };
  ctx.set_tensor(0, ctx.input_dtype(1), Shape{(*a.shape)[flag("transA") ? 1 : 0], (*b)[flag("transB") ? 0 : 1]});
}

void ngram_repeat_block(InferCtx& ctx) { ctx.set_tensor(0, ctx.input_dtype(1), copy_shape(ctx, 1)); }

void unfold_tensor(InferCtx& ctx) {
  OptShape s = copy_shape(ctx, 0);
  const std::int64_t stated = ctx.attr_or<std::int64_t>("dim", -1), size = ctx.attr_or<std::int64_t>("size", 0),
                     step = ctx.attr_or<std::int64_t>("step", 1);
  if (s) {
    const auto rank = static_cast<std::int64_t>(s->size()), axis = stated < 0 ? stated + rank : stated;
    if (axis < 0 || axis >= rank || size < 1 || step < 1) ctx.fail("dim, size or step is out of range");
    Dim& d = (*s)[static_cast<std::size_t>(axis)];
    d = d.is_value() && d.value() >= size ? Dim((d.value() - size) / step + 1) : Dim();
    s->push_back(Dim(size));
  }
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(s));
}

void dynamic_time_warping(InferCtx& ctx) { ctx.set_tensor(0, DType::int32, Shape{Dim(2), Dim()}); }

struct Row {
  std::string_view name;
  InferFn fn;
};

constexpr Row kRows[] = {
    {"Attention", ms_attention},
    {"AttnLSTM", rnn},
    {"BeamSearch", ms_beam_search},
    {"BiasAdd", same_type},
    {"BiasDropout", bias_dropout},
    {"BiasGelu", same_type},
    {"BiasSoftmax", same_type},
    {"BiasSplitGelu", bias_split_gelu},
    {"CDist", cdist},
    {"ComplexMul", broadcast_first_two},
    {"ComplexMulConj", broadcast_first_two},
    {"DequantizeLinear", dequantize_linear},
    {"DynamicQuantizeLSTM", dynamic_quantize_lstm},
    {"DynamicQuantizeMatMul", matmul_like_first},
    {"DynamicTimeWarping", dynamic_time_warping},
    {"EmbedLayerNormalization", ms_embed_layer_normalization},
    {"FastGelu", same_type},
    {"FusedConv", conv},
    {"FusedGemm", gemm},
    {"FusedMatMul", fused_matmul},
    {"FusedMatMulActivation", fused_matmul},
    {"GatherBlockQuantized", gather_block_quantized},
    {"GatherND", gather_nd},
    {"Gelu", same_type},
    {"GemmFastGelu", matmul_like_first},
    {"GemmaRotaryEmbedding", ms_gemma_rotary},
    {"GreedySearch", ms_greedy_search},
    {"GridSample", grid_sample},
    {"GroupNorm", same_type},
    {"GroupQueryAttention", ms_group_query_attention},
    {"Inverse", same_type},
    {"MRotaryEmbedding", same_type},
    {"MatMulBnb4", matmul_nbits},
    {"MatMulInteger16", matmul_integer},
    {"MatMulIntegerToFloat", matmul_integer_to_float},
    {"MatMulNBits", matmul_nbits},
    {"MaxpoolWithMask", pool},
    {"MoE", same_type},
    {"MultiHeadAttention", ms_multi_head_attention},
    {"NGramRepeatBlock", ngram_repeat_block},
    {"NhwcConv", nhwc_conv},
    {"NhwcFusedConv", nhwc_conv},
    {"NhwcMaxPool", nhwc_pool},
    {"QAttention", ms_qattention},
    {"QEmbedLayerNormalization", ms_embed_layer_normalization},
    {"QGemm", qgemm},
    {"QLinearAdd", qlinear_binary},
    {"QLinearAveragePool", qlinear_pool},
    {"QLinearConcat", qlinear_concat},
    {"QLinearConv", ms_qlinear_conv},
    {"QLinearGlobalAveragePool", qlinear_global_pool},
    {"QLinearLeakyRelu", same_type},
    {"QLinearMul", qlinear_binary},
    {"QLinearReduceMean", reduce},
    {"QLinearSigmoid", same_type},
    {"QLinearSoftmax", same_type},
    {"QLinearWhere", qlinear_where},
    {"QMoE", same_type},
    {"QuantizeLinear", quantize_linear},
    {"QuickGelu", same_type},
    {"RotaryEmbedding", same_type},
    {"Sampling", ms_greedy_search},
    {"ScaledSiLU", same_type},
    {"SkipGroupNorm", skip_group_norm},
    {"SkipLayerNormalization", ms_skip_layer_normalization},
    {"SkipSimplifiedLayerNormalization", ms_skip_layer_normalization},
    {"SparseAttention", ms_sparse_attention},
    {"SparseToDenseMatMul", sparse_matmul},
    {"Tokenizer", tokenizer},
    {"TransposeMatMul", fused_matmul},
    {"Trilu", same_type},
    {"UnfoldTensor", unfold_tensor},
    {"WhisperBeamSearch", ms_beam_search},
};

constexpr bool sorted() {
  return std::is_sorted(std::begin(kRows), std::end(kRows), [](const Row& a, const Row& b) { return a.name < b.name; });
}
static_assert(sorted());

}  // namespace

InferFn contrib_function(std::string_view name) {
  const Row* at = std::lower_bound(std::begin(kRows), std::end(kRows), name, [](const Row& r, std::string_view n) { return r.name < n; });
  return at != std::end(kRows) && at->name == name ? at->fn : nullptr;
}

}  // namespace onnxopt::infer_fn
