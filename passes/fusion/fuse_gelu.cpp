#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = x * 0.5 * (1 + Erf (x / sqrt(2)))  ==>  y = Gelu (x)
// In the orders that PyTorch, TensorFlow and Keras write. From opset 20.
Rule fuse_gelu() {
  static const std::string text = combine_patterns(
      {
          "s = Div (x, 1.41421356~)\n e = Erf (s)\n p = Add (e, 1.0)",
          "s = Mul (x, 0.70710678~)\n e = Erf (s)\n p = Add (e, 1.0)",
      },
      {
          "m = Mul (x, p)\n y = Mul (m, 0.5)",
          "m = Mul (x, 0.5)\n y = Mul (m, p)",
          "m = Mul (p, 0.5)\n y = Mul (x, m)",
          "m = Mul (x, p)\n y = Div (m, 2.0)",
          "m = Div (x, 2.0)\n y = Mul (m, p)",
      });
  return {
      .name = "fuse-gelu",
      .summary = "x * 0.5 * (1 + Erf (x / sqrt(2))) to Gelu",
      .match = text,
      .rewrite = [](const Match& m, Rewriter& rw) { rw.replace(m["y"], rw.op("Gelu", {m["x"]})); },
  };
}

}  // namespace onnxopt
