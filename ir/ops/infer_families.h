// Inference functions by family; infer_table.cpp says which operator version uses which.
#pragma once

#include "ir/ops/infer.h"

namespace onnxopt::infer_fn {

// infer_elementwise.cpp
void same_as_first(InferCtx& ctx);  // one output of the first input's type, sequences included; known values pass
void same_type(InferCtx& ctx);      // the same without known values
void unary(InferCtx& ctx);          // shape of input 0, element type from the schema
void arithmetic(InferCtx& ctx);     // broadcasting, element type of input 0, known values computed
void comparison(InferCtx& ctx);     // broadcasting, bool
void variadic(InferCtx& ctx);       // Max, Min, Sum, Mean
void where(InferCtx& ctx);
void cast(InferCtx& ctx);
void cast_like(InferCtx& ctx);
void bit_cast(InferCtx& ctx);
void clip(InferCtx& ctx);
void prelu(InferCtx& ctx);
void dropout(InferCtx& ctx);
void logical_not(InferCtx& ctx);

// infer_shape_ops.cpp, infer_reshape.cpp, infer_slice.cpp, infer_gather.cpp
void shape(InferCtx& ctx);
void size(InferCtx& ctx);
void reshape(InferCtx& ctx);
void flatten(InferCtx& ctx);
void squeeze(InferCtx& ctx);
void unsqueeze(InferCtx& ctx);
void transpose(InferCtx& ctx);
void expand(InferCtx& ctx);
void tile(InferCtx& ctx);
void concat(InferCtx& ctx);
void split(InferCtx& ctx);
void slice(InferCtx& ctx);
void pad(InferCtx& ctx);
void center_crop_pad(InferCtx& ctx);
void gather(InferCtx& ctx);
void gather_elements(InferCtx& ctx);
void scatter_elements(InferCtx& ctx);
void scatter_nd(InferCtx& ctx);
void along_axis(InferCtx& ctx);
void cumulative(InferCtx& ctx);
void gather_nd(InferCtx& ctx);
void compress(InferCtx& ctx);
void depth_to_space(InferCtx& ctx);
void space_to_depth(InferCtx& ctx);
void one_hot(InferCtx& ctx);
void non_zero(InferCtx& ctx);
void unique(InferCtx& ctx);

// infer_generate.cpp
void constant(InferCtx& ctx);
void constant_of_shape(InferCtx& ctx);
void range(InferCtx& ctx);
void random(InferCtx& ctx);
void random_like(InferCtx& ctx);
void multinomial(InferCtx& ctx);
void window(InferCtx& ctx);
void mel_weight_matrix(InferCtx& ctx);

// infer_reduce.cpp
void reduce(InferCtx& ctx);
void arg_reduce(InferCtx& ctx);
void top_k(InferCtx& ctx);

// infer_matmul.cpp
void matmul(InferCtx& ctx);
void matmul_integer(InferCtx& ctx);
void gemm(InferCtx& ctx);
void einsum(InferCtx& ctx);
void det(InferCtx& ctx);

// infer_conv.cpp, infer_nn.cpp, infer_resize.cpp
void conv(InferCtx& ctx);
void conv_integer(InferCtx& ctx);
void qlinear_conv(InferCtx& ctx);
void conv_transpose(InferCtx& ctx);
void deform_conv(InferCtx& ctx);
void pool(InferCtx& ctx);
void global_pool(InferCtx& ctx);
void crop(InferCtx& ctx);
void max_unpool(InferCtx& ctx);
void max_roi_pool(InferCtx& ctx);
void roi_align(InferCtx& ctx);
void col2im(InferCtx& ctx);
void batch_normalization(InferCtx& ctx);
void layer_normalization(InferCtx& ctx);
void rms_normalization(InferCtx& ctx);
void attention(InferCtx& ctx);
void linear_attention(InferCtx& ctx);
void causal_conv_with_state(InferCtx& ctx);
void flex_attention(InferCtx& ctx);
void negative_log_likelihood_loss(InferCtx& ctx);
void softmax_cross_entropy_loss(InferCtx& ctx);
void grid_sample(InferCtx& ctx);
void affine_grid(InferCtx& ctx);
void non_max_suppression(InferCtx& ctx);
void image_decoder(InferCtx& ctx);
void resize(InferCtx& ctx);
void upsample(InferCtx& ctx);
void dft(InferCtx& ctx);
void stft(InferCtx& ctx);

// infer_rnn.cpp
void rnn(InferCtx& ctx);

// infer_quant.cpp
void quantize_linear(InferCtx& ctx);
void dequantize_linear(InferCtx& ctx);
void dynamic_quantize_linear(InferCtx& ctx);
void qlinear_matmul(InferCtx& ctx);

// infer_sequence.cpp
void sequence_construct(InferCtx& ctx);
void sequence_empty(InferCtx& ctx);
void sequence_insert(InferCtx& ctx);
void sequence_erase(InferCtx& ctx);
void sequence_at(InferCtx& ctx);
void sequence_length(InferCtx& ctx);
void split_to_sequence(InferCtx& ctx);
void concat_from_sequence(InferCtx& ctx);
void make_optional(InferCtx& ctx);
void optional_get_element(InferCtx& ctx);
void optional_has_element(InferCtx& ctx);
void string_split(InferCtx& ctx);
void string_normalizer(InferCtx& ctx);
void tfidf_vectorizer(InferCtx& ctx);

// infer_control.cpp
void if_(InferCtx& ctx);
void loop(InferCtx& ctx);
void scan8(InferCtx& ctx);
void scan(InferCtx& ctx);
void sequence_map(InferCtx& ctx);

// infer_ml.cpp
void array_feature_extractor(InferCtx& ctx);
void cast_map(InferCtx& ctx);
void category_mapper(InferCtx& ctx);
void dict_vectorizer(InferCtx& ctx);
void feature_vectorizer(InferCtx& ctx);
void label_encoder(InferCtx& ctx);
void linear_classifier(InferCtx& ctx);
void linear_regressor(InferCtx& ctx);
void one_hot_encoder(InferCtx& ctx);
void svm_classifier(InferCtx& ctx);
void svm_regressor(InferCtx& ctx);
void tree_classifier(InferCtx& ctx);
void tree_regressor(InferCtx& ctx);
void tree_ensemble(InferCtx& ctx);
void zip_map(InferCtx& ctx);
void float_like_first(InferCtx& ctx);  // float32 of input 0's shape: Scaler, Normalizer
void optimizer_step(InferCtx& ctx);    // Adagrad, Adam, Momentum
void gradient(InferCtx& ctx);

// infer_contrib.cpp
InferFn contrib_function(std::string_view name);  // of com.microsoft; null: none
// infer_nchwc.cpp
InferFn nchwc_function(std::string_view name);

}  // namespace onnxopt::infer_fn
