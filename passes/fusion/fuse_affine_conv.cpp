#include "passes/fusion/absorb.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// m = Mul (x, k)  y = Conv (m, W, b?)                 ==>  y = Conv (x, W * k, b)
// m = BatchNormalization (x, ...)  y = Conv (m, W, b?)  ==>  y = Conv (x, W * s, b + sum of W * t)
// k: one constant, or one an input channel. A shift only without padding: padded places are zeros, not shifted.
NodeRule fuse_affine_conv() {
  return {
      .name = "fuse-affine-conv",
      .summary = "Fold Mul, Div, Add, Sub and BatchNormalization with constants into the Conv or ConvTranspose after them",
      .ops = "Conv ConvTranspose",
      .level = Level::o2,
      .visit = [](const Node& n, Rewriter& rw) { return absorb_before(n, rw); },
  };
}

}  // namespace onnxopt
