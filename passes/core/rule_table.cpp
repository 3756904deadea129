// All rules, by hand, sorted by name. Each is declared here and defined in the file of its name (fuse-conv-bn: passes/fusion/fuse_conv_bn.cpp).
#include <array>

#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// ---- pattern rules
Rule fuse_conv_bn();

// ---- node rules
NodeRule cancel_concat_of_parts();
NodeRule cancel_parts_of_concat();
NodeRule cancel_squeeze_unsqueeze();
NodeRule convert_gather_to_slice();
NodeRule convert_sum_to_add();
NodeRule convert_transpose_to_reshape();
NodeRule fold_constants();
NodeRule fold_expand_shape();
NodeRule fold_known_values();
NodeRule fold_reshape_shape();
NodeRule fold_shape_comparison();
NodeRule fold_slice_bounds();
NodeRule merge_casts();
NodeRule merge_clips();
NodeRule merge_concats();
NodeRule merge_constant_operands();
NodeRule merge_gather_unsqueeze();
NodeRule merge_gathers();
NodeRule merge_pads();
NodeRule merge_reduce_squeeze();
NodeRule merge_reshapes();
NodeRule merge_shape_slices();
NodeRule merge_slices();
NodeRule merge_slices_to_split();
NodeRule merge_squeezes();
NodeRule merge_transposes();
NodeRule move_shape_up();
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
NodeRule remove_repeated_op();
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

std::span<Rule (*const)()> all_rules() {
  static constexpr std::array<Rule (*)(), 1> kRules = {
      fuse_conv_bn,
  };
  return kRules;
}

std::span<NodeRule (*const)()> all_node_rules() {
  static constexpr std::array<NodeRule (*)(), 54> kRules = {
      cancel_concat_of_parts,
      cancel_parts_of_concat,
      cancel_squeeze_unsqueeze,
      convert_gather_to_slice,
      convert_sum_to_add,
      convert_transpose_to_reshape,
      fold_constants,
      fold_expand_shape,
      fold_known_values,
      fold_reshape_shape,
      fold_shape_comparison,
      fold_slice_bounds,
      merge_casts,
      merge_clips,
      merge_concats,
      merge_constant_operands,
      merge_gather_unsqueeze,
      merge_gathers,
      merge_pads,
      merge_reduce_squeeze,
      merge_reshapes,
      merge_shape_slices,
      merge_slices,
      merge_slices_to_split,
      merge_squeezes,
      merge_transposes,
      move_shape_up,
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
      remove_repeated_op,
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
  };
  return kRules;
}

}  // namespace onnxopt
