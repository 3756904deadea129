// Every way back, sorted by operator.
#include <algorithm>
#include <array>

#include "passes/lower/lower.h"

namespace onnxopt {

std::span<const Decomposition> contrib_decompositions() {
  using namespace lowering;
  static constexpr std::string_view kMs = "com.microsoft";
  static constexpr auto kAll = std::to_array<Decomposition>({
      {"Attention", attention, false, kMs},
      {"BiasAdd", bias_add, false, kMs},
      {"BiasGelu", bias_gelu, false, kMs},
      {"BiasSoftmax", bias_softmax, false, kMs},
      {"BiasSplitGelu", bias_split_gelu, false, kMs},
      {"CDist", cdist, false, kMs},
      {"DequantizeLinear", dequantize_linear, false, kMs},
      {"DynamicQuantizeMatMul", dynamic_quantize_matmul, false, kMs},
      {"EmbedLayerNormalization", embed_layer_norm, false, kMs},
      {"ExpandDims", expand_dims, false, kMs},
      {"FastGelu", fast_gelu, false, kMs},
      {"FusedConv", fused_conv, false, kMs},
      {"FusedGemm", fused_gemm, false, kMs},
      {"FusedMatMul", fused_matmul, false, kMs},
      {"GatherBlockQuantized", gather_block_quantized, false, kMs},
      {"GatherND", same_operator, false, kMs},
      {"Gelu", gelu, false, kMs},
      {"GemmFastGelu", gemm_fast_gelu, false, kMs},
      {"GridSample", grid_sample, false, kMs},
      {"GroupNorm", group_norm, false, kMs},
      {"GroupQueryAttention", group_query_attention, false, kMs},
      {"MatMulIntegerToFloat", matmul_integer_to_float, false, kMs},
      {"MatMulNBits", matmul_nbits, false, kMs},
      {"MultiHeadAttention", multi_head_attention, false, kMs},
      {"NhwcConv", nhwc_conv, false, kMs},
      {"NhwcFusedConv", nhwc_conv, false, kMs},
      {"NhwcMaxPool", nhwc_max_pool, false, kMs},
      {"Pad", pad, false, kMs},
      {"QAttention", qattention, false, kMs},
      {"QGemm", qgemm, false, kMs},
      {"QLinearAdd", qlinear_add, false, kMs},
      {"QLinearAveragePool", qlinear_average_pool, false, kMs},
      {"QLinearConcat", qlinear_concat, false, kMs},
      {"QLinearConv", qlinear_conv, false, kMs},
      {"QLinearGlobalAveragePool", qlinear_global_average_pool, false, kMs},
      {"QLinearLeakyRelu", qlinear_leaky_relu, false, kMs},
      {"QLinearMul", qlinear_mul, false, kMs},
      {"QLinearReduceMean", qlinear_reduce_mean, false, kMs},
      {"QLinearSigmoid", qlinear_sigmoid, false, kMs},
      {"QLinearSoftmax", qlinear_softmax, false, kMs},
      {"QLinearWhere", qlinear_where, false, kMs},
      {"QuantizeLinear", quantize_linear, false, kMs},
      {"QuickGelu", quick_gelu, false, kMs},
      {"Range", range, false, kMs},
      {"RotaryEmbedding", rotary_embedding, false, kMs},
      {"SampleOp", sample_op, false, kMs},
      {"SimplifiedLayerNormalization", simplified_layer_norm, false, ""},
      {"SkipGroupNorm", skip_group_norm, false, kMs},
      {"SkipLayerNormalization", skip_layer_norm, false, kMs},
      {"SkipSimplifiedLayerNormalization", skip_rms_norm, false, kMs},
      {"TransposeMatMul", fused_matmul, false, kMs},
      {"Trilu", same_operator, false, kMs},
  });
  static_assert(std::is_sorted(kAll.begin(), kAll.end(), [](const Decomposition& a, const Decomposition& b) { return a.op < b.op; }));
  return kAll;
}

}  // namespace onnxopt
