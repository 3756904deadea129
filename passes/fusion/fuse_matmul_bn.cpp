#include "passes/fusion/absorb.h"

namespace onnxopt {

// m = MatMul (x, W)  y = BatchNormalization (m, ...)  ==>  y = Add (MatMul (x, W * s), t)
// For a result of rank 2, where channel axis 1 is the last; fuse-matmul-add makes a Gemm of it.
Rule fuse_matmul_bn() {
  return {
      .name = "fuse-matmul-bn",
      .summary = "Fold BatchNormalization into the weights of the MatMul before it",
      .match = R"(
        m = MatMul (x, W)
        y = BatchNormalization (m, scale, B, mean, var) <training_mode = 0>
      )",
      .where = {is_constant("W scale B mean var"), has_rank("m", 2)},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            if (!absorb_after(m.root(), "MatMul", rw)) rw.give_up("the weights do not take it");
          },
  };
}

}  // namespace onnxopt
