#include "passes/fusion/absorb.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// g = Gemm (A, B, C?)  y = Mul|Div|Add|Sub (g, k)  ==>  y = Gemm (A, B * s, beta * C * s + t)
// k: one constant, or one a column.
NodeRule fuse_gemm_affine() {
  return {
      .name = "fuse-gemm-affine",
      .summary = "Fold Mul, Div, Add and Sub with constants into the Gemm before them",
      .ops = "Add Div Mul Sub",
      .level = Level::o2,
      .visit = [](const Node& n, Rewriter& rw) { return absorb_after(n, "Gemm", rw); },
  };
}

}  // namespace onnxopt
