#include "passes/fusion/absorb.h"

namespace onnxopt {

// c = Conv (x, W, b?)  y = BatchNormalization (c, scale, B, mean, var)  ==>  y = Conv (x, W * s, b * s + t)
// with s = scale / sqrt(var + epsilon), t = B - mean * s. In training mode the statistics are the batch's own; a second reader of c would need the
// Conv all the same.
Rule fuse_conv_bn() {
  return {
      .name = "fuse-conv-bn",
      .summary = "Fold BatchNormalization into the weights of the Conv before it",
      .match = R"(
        c = Conv (x, W, b?)
        y = BatchNormalization (c, scale, B, mean, var) <training_mode = 0>
      )",
      .where = {is_constant("W b scale B mean var")},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            if (!absorb_after(m.root(), "Conv", rw)) rw.give_up("the weights do not take it");
          },
  };
}

}  // namespace onnxopt
