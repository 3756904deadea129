#include "passes/fusion/absorb.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// m = Mul (x, k)  y = MatMul (m, W)  ==>  y = MatMul (x, k * W)
// k: one constant, or one a row of W (last axis of x).
NodeRule fuse_affine_matmul() {
  return {
      .name = "fuse-affine-matmul",
      .summary = "Fold Mul and Div with constants into the weights of the Gemm or MatMul after them",
      .ops = "Gemm MatMul",
      .level = Level::o2,
      .visit = [](const Node& n, Rewriter& rw) { return absorb_before(n, rw); },
  };
}

}  // namespace onnxopt
