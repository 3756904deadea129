#include "passes/fusion/absorb.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// m = MatMul (x, W)  y = Mul (m, k)                     ==>  y = MatMul (x, W * k)
// a = Add (MatMul (x, W), b)  y = Mul|Div|Add|Sub (a, k)  ==>  y = Add (MatMul (x, W * s), b * s + t)
// k: one constant, or one a column (last axis). W on the left: one constant only.
NodeRule fuse_matmul_affine() {
  return {
      .name = "fuse-matmul-affine",
      .summary = "Fold Mul and Div with constants into the weights of the MatMul before them",
      .ops = "Add Div Mul Sub",
      .level = Level::o2,
      .visit = [](const Node& n, Rewriter& rw) { return absorb_after(n, "MatMul", rw); },
  };
}

}  // namespace onnxopt
