// com.microsoft operators back to standard ONNX, so that a model that ONNX Runtime optimized can leave it. The inverse of its fusions, one function
// an operator, written in operators of the newest opset: what the output's opset lacks of them is decomposed by passes/opset afterwards.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "passes/opset/expand.h"

namespace onnxopt {

struct LowerStep {
  std::string graph, node, op;  // graph: function or body; empty: the main graph
  std::string to;               // the operators that took its place
  std::string reason;           // not empty: no way back
};
struct Lowering {
  std::vector<LowerStep> steps;  // in node order
  std::size_t lowered = 0, blocked = 0, made_nodes = 0;
  std::vector<std::string> notes;  // what the file does not say and was assumed
};

// In place. Operators of ONNX Runtime's own domains, and those of ai.onnx that only it knows, become standard ones or are named with the reason.
Lowering lower_contrib(Model& model, const OutputOpsets& target);
Lowering lower_contrib(Graph& root, const OutputOpsets& target);
// One line that names what has no way back.
std::string no_way_back_text(const Lowering& l);

// Operators on ONNX Runtime's blocked layout (ir/ops/nchwc.h): all of a graph or none. `made`: for each of `nodes`, all of theirs in `g` in node
// order, what took its place. "" or why there is no way back; nothing has changed then.
std::string lower_nchwc(Graph& g, const OutputOpsets& target, ConstantPool& pool, std::span<Node* const> nodes, std::int64_t block,
                        std::vector<std::string>& made);

// Sorted by operator.
std::span<const Decomposition> contrib_decompositions();

// ---- shared by the families
namespace lowering {

// Constants of a type, casts, and activations by the names that fused operators carry. Null: unknown name.
Value* activate(Expansion& e, Value* x, const std::string& name, const Floats& params);
Value* exact_gelu(Expansion& e, Value* x);
Value* tanh_gelu(Expansion& e, Value* x);
// Permutations that move the last dim behind the first, and back; rank 2 and up.
Ints to_channels_first(std::int64_t rank);
Ints to_channels_last(std::int64_t rank);
// Norms over the last dim; `bias` may be null. `rms`: without the mean.
Value* layer_norm(Expansion& e, Value* x, Value* scale, Value* bias, float epsilon, bool rms);

// passes/lower/lower_math.cpp, lower_norm.cpp, ...
std::string gelu(Expansion& e);
std::string bias_gelu(Expansion& e);
std::string fast_gelu(Expansion& e);
std::string quick_gelu(Expansion& e);
std::string bias_split_gelu(Expansion& e);
std::string bias_add(Expansion& e);
std::string bias_softmax(Expansion& e);
std::string fused_conv(Expansion& e);
std::string fused_gemm(Expansion& e);
std::string fused_matmul(Expansion& e);
std::string gemm_fast_gelu(Expansion& e);
std::string nhwc_conv(Expansion& e);
std::string nhwc_max_pool(Expansion& e);
std::string skip_layer_norm(Expansion& e);
std::string skip_rms_norm(Expansion& e);
std::string simplified_layer_norm(Expansion& e);
std::string embed_layer_norm(Expansion& e);
std::string group_norm(Expansion& e);
std::string skip_group_norm(Expansion& e);
std::string attention(Expansion& e);
std::string multi_head_attention(Expansion& e);
std::string qattention(Expansion& e);
std::string rotary_embedding(Expansion& e);
std::string group_query_attention(Expansion& e);
std::string qlinear_add(Expansion& e);
std::string qlinear_mul(Expansion& e);
std::string qlinear_leaky_relu(Expansion& e);
std::string qlinear_sigmoid(Expansion& e);
std::string qlinear_softmax(Expansion& e);
std::string qlinear_where(Expansion& e);
std::string qlinear_concat(Expansion& e);
std::string qlinear_average_pool(Expansion& e);
std::string qlinear_global_average_pool(Expansion& e);
std::string qlinear_reduce_mean(Expansion& e);
std::string qlinear_conv(Expansion& e);
std::string qgemm(Expansion& e);
std::string matmul_integer_to_float(Expansion& e);
std::string dynamic_quantize_matmul(Expansion& e);
std::string quantize_linear(Expansion& e);
std::string dequantize_linear(Expansion& e);
std::string matmul_nbits(Expansion& e);
std::string gather_block_quantized(Expansion& e);
std::string same_operator(Expansion& e);
std::string grid_sample(Expansion& e);
std::string range(Expansion& e);
std::string pad(Expansion& e);
std::string expand_dims(Expansion& e);
std::string sample_op(Expansion& e);
std::string cdist(Expansion& e);

}  // namespace lowering
}  // namespace onnxopt
