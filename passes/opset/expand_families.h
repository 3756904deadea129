// The functions that expand_table.cpp lists, one file a family.
#pragma once

#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {

// expand_shape.cpp
std::string shape(Expansion& e);
std::string reshape(Expansion& e);
std::string constant_of_shape(Expansion& e);
std::string expand_to(Expansion& e);
std::string range_of(Expansion& e);
std::string center_crop_pad(Expansion& e);
std::string trilu(Expansion& e);
std::string split(Expansion& e);
std::string unsqueeze(Expansion& e);
std::string squeeze(Expansion& e);

// expand_slice.cpp
std::string slice(Expansion& e);
std::string pad(Expansion& e);

// expand_gather.cpp
std::string gather_nd(Expansion& e);
std::string gather_elements(Expansion& e);
std::string scatter_nd(Expansion& e);
std::string one_hot(Expansion& e);
std::string reverse_sequence(Expansion& e);
std::string eye_like(Expansion& e);

// expand_scatter.cpp
std::string scatter_nd_known(Expansion& e);  // constant indices
std::string scatter_elements(Expansion& e);
std::string scatter_by_comparing(Expansion& e, Value* data, Value* updates, const Index& rows, Value* places);

// expand_late.cpp
std::string swiglu(Expansion& e);
std::string window(Expansion& e);
std::string tensor_scatter(Expansion& e);
std::string negative_log_likelihood_loss(Expansion& e);
std::string softmax_cross_entropy_loss(Expansion& e);
std::string space_to_depth(Expansion& e);
std::string affine_grid(Expansion& e);
std::string causal_conv(Expansion& e);
std::string bernoulli(Expansion& e);
std::string optional_has_element(Expansion& e);
std::string optional_get_element(Expansion& e);
std::string recurrent(Expansion& e);
std::string arg_extreme(Expansion& e);
std::string pool(Expansion& e);

// expand_pool.cpp
std::string pool_by_sums(Expansion& e);
std::string dilated_max_pool(Expansion& e);

// expand_compare.cpp
std::string greater_or_equal(Expansion& e);
std::string greater_or_less(Expansion& e);
std::string equal(Expansion& e);
std::string max_min(Expansion& e);
std::string sum_mean(Expansion& e);
std::string clip(Expansion& e);
std::string where(Expansion& e);
std::string is_nan(Expansion& e);
std::string is_inf(Expansion& e);
std::string sign(Expansion& e);

// expand_math.cpp
std::string mod(Expansion& e);
std::string hyperbolic(Expansion& e);
std::string erf(Expansion& e);
std::string round(Expansion& e);
std::string cumulative(Expansion& e);
std::string relu(Expansion& e);
std::string det(Expansion& e);

// expand_power.cpp
std::string pow(Expansion& e);
std::string float_remainder(Expansion& e);
std::string dropout(Expansion& e);

// expand_bits.cpp
std::string bitwise(Expansion& e);
std::string bitwise_not(Expansion& e);
std::string bit_cast(Expansion& e);
std::string bit_shift(Expansion& e);

// expand_experimental.cpp
std::string scale(Expansion& e);
std::string scaled_tanh(Expansion& e);
std::string parametric_softplus(Expansion& e);
std::string dynamic_slice(Expansion& e);
std::string given_tensor_fill(Expansion& e);

// expand_loops.cpp
std::string scan(Expansion& e);
std::string cumulative_scan(Expansion& e, std::int64_t axis);  // of CumSum and CumProd
std::string linear_attention(Expansion& e);

// expand_scatter_rows.cpp
std::string scatter_in_rounds(Expansion& e, Value* data, Value* updates, Value* places, const std::string& reduction);  // all 2-D, places 1-D
std::string max_unpool(Expansion& e);
std::string compress(Expansion& e);

// expand_sequence_map.cpp
std::string sequence_map(Expansion& e);
std::string identity(Expansion& e);

// expand_sequences.cpp
std::string sequence_construct(Expansion& e);
std::string split_to_sequence(Expansion& e);
std::string optional(Expansion& e);

// expand_signal.cpp
std::string dft(Expansion& e);
std::string stft(Expansion& e);
std::string mel_weight_matrix(Expansion& e);

// expand_sample.cpp
std::string grid_sample(Expansion& e);
std::string deform_conv(Expansion& e);
std::string roi_align(Expansion& e);
std::string col2im(Expansion& e);

// expand_activation.cpp
std::string gelu(Expansion& e);
std::string hard_swish(Expansion& e);
std::string mish(Expansion& e);
std::string swish(Expansion& e);
std::string celu(Expansion& e);
std::string thresholded_relu(Expansion& e);
std::string shrink(Expansion& e);
std::string cast_like(Expansion& e);
std::string image_scaler(Expansion& e);

// expand_norm.cpp
std::string layer_normalization(Expansion& e);
std::string rms_normalization(Expansion& e);
std::string group_normalization(Expansion& e);
std::string mean_variance_normalization(Expansion& e);
std::string softmax(Expansion& e);
std::string batch_normalization(Expansion& e);

// expand_attention.cpp
std::string attention(Expansion& e);
std::string rotary_embedding(Expansion& e);

// expand_quant.cpp
std::string quantize_linear(Expansion& e);
std::string dequantize_linear(Expansion& e);
std::string dynamic_quantize_linear(Expansion& e);
std::string matmul_integer(Expansion& e);
std::string conv_integer(Expansion& e);
std::string qlinear_matmul(Expansion& e);
std::string qlinear_conv(Expansion& e);

// expand_resize.cpp
std::string resize(Expansion& e);

// expand_reduce.cpp
std::string reduce(Expansion& e);

// expand_old.cpp
std::string depth_to_space(Expansion& e);
std::string affine(Expansion& e);
std::string constant_fill(Expansion& e);
std::string crop(Expansion& e);

// expand_resize_computed.cpp
std::string resize_computed(Expansion& e);  // sizes or scales that are known only when the model runs

// expand_loop.cpp
std::string loop(Expansion& e);
std::string non_zero(Expansion& e);

// expand_boxes.cpp
std::string non_max_suppression(Expansion& e);

// expand_trees.cpp
std::string tree_ensemble(Expansion& e);

// expand_trees_old.cpp
std::string tree_regressor(Expansion& e);
std::string tree_classifier(Expansion& e);

// expand_if.cpp
std::string branches(Expansion& e);

// expand_text.cpp
std::string equal_strings(Expansion& e);
std::string regex_full_match(Expansion& e);
std::string string_concat(Expansion& e);
std::string string_split(Expansion& e);
std::string string_normalizer(Expansion& e);
std::string tfidf_vectorizer(Expansion& e);

// expand_labels.cpp
std::string label_encoder(Expansion& e);

// expand_sort.cpp
std::string unique(Expansion& e);
std::string top_k(Expansion& e);

// expand_einsum.cpp
std::string einsum(Expansion& e);

}  // namespace onnxopt::expand_fn
