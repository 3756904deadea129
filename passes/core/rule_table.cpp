// All rules, by hand, sorted by name. Each is declared here and defined in the file of its name (fuse-conv-bn: passes/fusion/fuse_conv_bn.cpp).
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// ---- pattern rules
Rule fuse_affine_chain();
Rule fuse_attention();
Rule fuse_celu();
Rule fuse_clip_hardsigmoid();
Rule fuse_conv_bn();
Rule fuse_convtranspose_bn();
Rule fuse_depth_to_space();
Rule fuse_elu();
Rule fuse_gelu();
Rule fuse_gemm_add();
Rule fuse_gemm_bn();
Rule fuse_gemm_reshape();
Rule fuse_group_norm();
Rule fuse_hardsigmoid();
Rule fuse_hardsigmoid_mul();
Rule fuse_hardswish();
Rule fuse_hardswish_old();
Rule fuse_instance_norm();
Rule fuse_layer_norm();
Rule fuse_layer_norm_moments();
Rule fuse_leaky_relu();
Rule fuse_log_softmax();
Rule fuse_lp_normalization();
Rule fuse_matmul_add();
Rule fuse_matmul_bn();
Rule fuse_matmul_reshape();
Rule fuse_matmul_reshape_bn();
Rule fuse_min_max_clip();
Rule fuse_mish();
Rule fuse_prelu();
Rule fuse_qk_scales();
Rule fuse_reciprocal_mul();
Rule fuse_reduce_l1();
Rule fuse_reduce_l2();
Rule fuse_reduce_log_sum();
Rule fuse_reduce_log_sum_exp();
Rule fuse_reduce_sum_square();
Rule fuse_residual_gate();
Rule fuse_rms_norm();
Rule fuse_selu();
Rule fuse_softmax();
Rule fuse_softplus();
Rule fuse_space_to_depth();
Rule fuse_swish();
Rule fuse_tanh_gelu();
Rule merge_score_addends();
Rule spell_gelu();
Rule spell_tanh_gelu();

// ---- node rules
NodeRule cancel_concat_of_parts();
NodeRule cancel_parts_of_concat();
NodeRule cancel_squeeze_unsqueeze();
NodeRule convert_cast_like();
NodeRule convert_einsum();
NodeRule convert_gather_to_reshape();
NodeRule convert_gather_to_slice();
NodeRule convert_split_to_sequence();
NodeRule convert_sum_to_add();
NodeRule convert_transpose_to_reshape();
NodeRule fold_constants();
NodeRule fold_expand_shape();
NodeRule fold_known_values();
NodeRule fold_reshape_shape();
NodeRule fold_resize_sizes();
NodeRule fold_shape_comparison();
NodeRule fold_slice_bounds();
NodeRule fuse_affine_conv();
NodeRule fuse_affine_matmul();
NodeRule fuse_conv_affine();
NodeRule fuse_focus_conv();
NodeRule fuse_gemm_affine();
NodeRule fuse_global_average_pool();
NodeRule fuse_grouped_attention();
NodeRule fuse_matmul_affine();
NodeRule fuse_norm_affine();
NodeRule fuse_pad_conv();
NodeRule fuse_pad_pool();
NodeRule fuse_parallel_conv();
NodeRule fuse_parallel_matmul();
NodeRule fuse_reduce_reshape();
NodeRule fuse_scale_linear();
NodeRule fuse_split_scale();
NodeRule fuse_transpose_gemm();
NodeRule merge_casts();
NodeRule merge_clips();
NodeRule merge_concats();
NodeRule merge_constant_of_shape_cast();
NodeRule merge_constant_operands();
NodeRule merge_gather_unsqueeze();
NodeRule merge_gathers();
NodeRule merge_gathers_to_split();
NodeRule merge_label_encoders();
NodeRule merge_moves();
NodeRule merge_pads();
NodeRule merge_reduce_squeeze();
NodeRule merge_reshapes();
NodeRule merge_shape_slices();
NodeRule merge_slices();
NodeRule merge_slices_to_split();
NodeRule merge_splits();
NodeRule merge_squeezes();
NodeRule merge_transposes();
NodeRule merge_transposes_over_reshape();
NodeRule merge_unsqueezes();
NodeRule move_constant_up();
NodeRule move_reshape_up();
NodeRule move_scale_before_pool();
NodeRule move_shape_up();
NodeRule move_slice_up();
NodeRule move_split_down();
NodeRule move_unsqueeze_up();
NodeRule remove_cast();
NodeRule remove_clip();
NodeRule remove_concat();
NodeRule remove_double_negation();
NodeRule remove_dropout();
NodeRule remove_expand();
NodeRule remove_expand_before_broadcast();
NodeRule remove_gather();
NodeRule remove_identity();
NodeRule remove_needless_relu();
NodeRule remove_neutral_operand();
NodeRule remove_not_before_where();
NodeRule remove_pad();
NodeRule remove_reduce();
NodeRule remove_relu_before_quantize();
NodeRule remove_repeated_op();
NodeRule remove_requantization();
NodeRule remove_reshape();
NodeRule remove_resize();
NodeRule remove_scatter_nd();
NodeRule remove_slice();
NodeRule remove_softmax_before_argmax();
NodeRule remove_split();
NodeRule remove_squeeze();
NodeRule remove_tile();
NodeRule remove_transpose();
NodeRule remove_variadic_of_one();
NodeRule remove_where();
NodeRule remove_zero_addend();
NodeRule remove_zero_bias();
NodeRule remove_zero_state();

std::span<Rule (*const)()> all_rules() {
  static constexpr Rule (*kRules[])() = {
      fuse_affine_chain,
      fuse_attention,
      fuse_celu,
      fuse_clip_hardsigmoid,
      fuse_conv_bn,
      fuse_convtranspose_bn,
      fuse_depth_to_space,
      fuse_elu,
      fuse_gelu,
      fuse_gemm_add,
      fuse_gemm_bn,
      fuse_gemm_reshape,
      fuse_group_norm,
      fuse_hardsigmoid,
      fuse_hardsigmoid_mul,
      fuse_hardswish,
      fuse_hardswish_old,
      fuse_instance_norm,
      fuse_layer_norm,
      fuse_layer_norm_moments,
      fuse_leaky_relu,
      fuse_log_softmax,
      fuse_lp_normalization,
      fuse_matmul_add,
      fuse_matmul_bn,
      fuse_matmul_reshape,
      fuse_matmul_reshape_bn,
      fuse_min_max_clip,
      fuse_mish,
      fuse_prelu,
      fuse_qk_scales,
      fuse_reciprocal_mul,
      fuse_reduce_l1,
      fuse_reduce_l2,
      fuse_reduce_log_sum,
      fuse_reduce_log_sum_exp,
      fuse_reduce_sum_square,
      fuse_residual_gate,
      fuse_rms_norm,
      fuse_selu,
      fuse_softmax,
      fuse_softplus,
      fuse_space_to_depth,
      fuse_swish,
      fuse_tanh_gelu,
      merge_score_addends,
      spell_gelu,
      spell_tanh_gelu,
  };
  return kRules;
}

std::span<NodeRule (*const)()> all_node_rules() {
  static constexpr NodeRule (*kRules[])() = {
      cancel_concat_of_parts,
      cancel_parts_of_concat,
      cancel_squeeze_unsqueeze,
      convert_cast_like,
      convert_einsum,
      convert_gather_to_reshape,
      convert_gather_to_slice,
      convert_split_to_sequence,
      convert_sum_to_add,
      convert_transpose_to_reshape,
      fold_constants,
      fold_expand_shape,
      fold_known_values,
      fold_reshape_shape,
      fold_resize_sizes,
      fold_shape_comparison,
      fold_slice_bounds,
      fuse_affine_conv,
      fuse_affine_matmul,
      fuse_conv_affine,
      fuse_focus_conv,
      fuse_gemm_affine,
      fuse_global_average_pool,
      fuse_grouped_attention,
      fuse_matmul_affine,
      fuse_norm_affine,
      fuse_pad_conv,
      fuse_pad_pool,
      fuse_parallel_conv,
      fuse_parallel_matmul,
      fuse_reduce_reshape,
      fuse_scale_linear,
      fuse_split_scale,
      fuse_transpose_gemm,
      merge_casts,
      merge_clips,
      merge_concats,
      merge_constant_of_shape_cast,
      merge_constant_operands,
      merge_gather_unsqueeze,
      merge_gathers,
      merge_gathers_to_split,
      merge_label_encoders,
      merge_moves,
      merge_pads,
      merge_reduce_squeeze,
      merge_reshapes,
      merge_shape_slices,
      merge_slices,
      merge_slices_to_split,
      merge_splits,
      merge_squeezes,
      merge_transposes,
      merge_transposes_over_reshape,
      merge_unsqueezes,
      move_constant_up,
      move_reshape_up,
      move_scale_before_pool,
      move_shape_up,
      move_slice_up,
      move_split_down,
      move_unsqueeze_up,
      remove_cast,
      remove_clip,
      remove_concat,
      remove_double_negation,
      remove_dropout,
      remove_expand,
      remove_expand_before_broadcast,
      remove_gather,
      remove_identity,
      remove_needless_relu,
      remove_neutral_operand,
      remove_not_before_where,
      remove_pad,
      remove_reduce,
      remove_relu_before_quantize,
      remove_repeated_op,
      remove_requantization,
      remove_reshape,
      remove_resize,
      remove_scatter_nd,
      remove_slice,
      remove_softmax_before_argmax,
      remove_split,
      remove_squeeze,
      remove_tile,
      remove_transpose,
      remove_variadic_of_one,
      remove_where,
      remove_zero_addend,
      remove_zero_bias,
      remove_zero_state,
  };
  return kRules;
}

}  // namespace onnxopt
