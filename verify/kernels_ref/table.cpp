// The reference kernels, all families in one list.
#include "verify/kernels_ref/beam_search.h"
#include "verify/kernels_ref/contrib_moe.h"
#include "verify/kernels_ref/families.h"

namespace onnxopt {

std::span<const Kernel> reference_kernels() {
  using namespace ref;
  static const std::vector<Kernel> all = [] {
    std::vector<Kernel> list;
    for (auto family : {unary_kernels,
                        binary_kernels,
                        variadic_kernels,
                        cast_kernels,
                        reshape_kernels,
                        movement_kernels,
                        gather_kernels,
                        scatter_kernels,
                        pad_kernels,
                        generate_kernels,
                        matmul_kernels,
                        einsum_kernels,
                        conv_kernels,
                        conv_transpose_kernels,
                        pool_kernels,
                        reduce_kernels,
                        order_kernels,
                        softmax_kernels,
                        norm_kernels,
                        control_kernels,
                        resize_kernels,
                        random_kernels,
                        loss_kernels,
                        attention_kernels,
                        rnn_kernels,
                        quant_kernels,
                        sequence_kernels,
                        contrib_kernels,
                        contrib_attention_kernels,
                        contrib_gqa_kernels,
                        contrib_norm_kernels,
                        contrib_qlinear_kernels,
                        contrib_weight_kernels,
                        contrib_misc_kernels,
                        nchwc_kernels,
                        ml_kernels,
                        signal_kernels,
                        detection_kernels,
                        grid_kernels,
                        deform_conv_kernels,
                        linear_attention_kernels,
                        flex_attention_kernels,
                        image_kernels,
                        legacy_kernels,
                        experimental_kernels,
                        ml_label_kernels,
                        ml_linear_kernels,
                        ml_tree_kernels,
                        string_kernels,
                        tfidf_kernels,
                        training_kernels,
                        search_kernels,
                        moe_kernels}) {
      const auto kernels = family();
      list.insert(list.end(), kernels.begin(), kernels.end());
    }
    return list;
  }();
  return all;
}

}  // namespace onnxopt
