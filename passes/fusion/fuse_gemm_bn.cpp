#include "passes/fusion/absorb.h"

namespace onnxopt {

// g = Gemm (A, W, C?)  y = BatchNormalization (g, ...)  ==>  y = Gemm (A, W * s, beta * C * s + t)
// C: absent, or one constant a column.
Rule fuse_gemm_bn() {
  return {
      .name = "fuse-gemm-bn",
      .summary = "Fold BatchNormalization into the weights of the Gemm before it",
      .match = R"(
        g = Gemm (A, W, C?)
        y = BatchNormalization (g, scale, B, mean, var) <training_mode = 0>
      )",
      .where = {is_constant("W C scale B mean var")},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            if (!absorb_after(m.root(), "Gemm", rw)) rw.give_up("the weights do not take it");
          },
  };
}

}  // namespace onnxopt
