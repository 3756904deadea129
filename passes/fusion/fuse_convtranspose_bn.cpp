#include "passes/fusion/absorb.h"

namespace onnxopt {

// c = ConvTranspose (x, W, b?)  y = BatchNormalization (c, ...)  ==>  y = ConvTranspose (x, W * s, b * s + t)
// As fuse-conv-bn; W is [in, out / group, ...] here, so the factor of a row depends on its group.
Rule fuse_convtranspose_bn() {
  return {
      .name = "fuse-convtranspose-bn",
      .summary = "Fold BatchNormalization into the weights of the ConvTranspose before it",
      .match = R"(
        c = ConvTranspose (x, W, b?)
        y = BatchNormalization (c, scale, B, mean, var) <training_mode = 0>
      )",
      .where = {is_constant("W b scale B mean var")},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            if (!absorb_after(m.root(), "ConvTranspose", rw)) rw.give_up("the weights do not take it");
          },
  };
}

}  // namespace onnxopt
