#include "passes/fusion/absorb.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// c = Conv|ConvTranspose (x, W, b?)  y = Mul|Div|Add|Sub (c, k)  ==>  y = Conv (x, W * s, b * s + t)
// k: one constant, or one an output channel (shape [C, 1, ...]), that does not raise the rank.
NodeRule fuse_conv_affine() {
  return {
      .name = "fuse-conv-affine",
      .summary = "Fold Mul, Div, Add and Sub with constants into the Conv or ConvTranspose before them",
      .ops = "Add Div Mul Sub",
      .level = Level::o2,
      .visit = [](const Node& n, Rewriter& rw) { return absorb_after(n, "Conv", rw) || absorb_after(n, "ConvTranspose", rw); },
  };
}

}  // namespace onnxopt
