// The kernel lists of all families; table.cpp joins them.
#pragma once

#include <span>

#include "verify/exec/executor.h"

namespace onnxopt::ref {

std::span<const Kernel> unary_kernels();
std::span<const Kernel> binary_kernels();
std::span<const Kernel> variadic_kernels();
std::span<const Kernel> cast_kernels();
std::span<const Kernel> reshape_kernels();
std::span<const Kernel> movement_kernels();
std::span<const Kernel> gather_kernels();
std::span<const Kernel> scatter_kernels();
std::span<const Kernel> generate_kernels();
std::span<const Kernel> pad_kernels();
std::span<const Kernel> matmul_kernels();
std::span<const Kernel> einsum_kernels();
std::span<const Kernel> conv_kernels();
std::span<const Kernel> conv_transpose_kernels();
std::span<const Kernel> pool_kernels();
std::span<const Kernel> reduce_kernels();
std::span<const Kernel> order_kernels();
std::span<const Kernel> softmax_kernels();
std::span<const Kernel> norm_kernels();
std::span<const Kernel> resize_kernels();
std::span<const Kernel> control_kernels();
std::span<const Kernel> random_kernels();
std::span<const Kernel> loss_kernels();
std::span<const Kernel> attention_kernels();
std::span<const Kernel> rnn_kernels();
std::span<const Kernel> ml_kernels();
std::span<const Kernel> ml_label_kernels();
std::span<const Kernel> ml_linear_kernels();
std::span<const Kernel> ml_tree_kernels();
std::span<const Kernel> string_kernels();
std::span<const Kernel> tfidf_kernels();
std::span<const Kernel> training_kernels();
std::span<const Kernel> quant_kernels();
std::span<const Kernel> sequence_kernels();
std::span<const Kernel> contrib_kernels();
std::span<const Kernel> signal_kernels();
std::span<const Kernel> detection_kernels();
std::span<const Kernel> grid_kernels();
std::span<const Kernel> deform_conv_kernels();
std::span<const Kernel> linear_attention_kernels();
std::span<const Kernel> flex_attention_kernels();
std::span<const Kernel> image_kernels();
std::span<const Kernel> contrib_attention_kernels();
std::span<const Kernel> contrib_gqa_kernels();
std::span<const Kernel> contrib_norm_kernels();
std::span<const Kernel> contrib_qlinear_kernels();
std::span<const Kernel> contrib_weight_kernels();
std::span<const Kernel> contrib_misc_kernels();
std::span<const Kernel> nchwc_kernels();
std::span<const Kernel> legacy_kernels();
std::span<const Kernel> experimental_kernels();

}  // namespace onnxopt::ref
