#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = x * 0.5 * (1 + Tanh (sqrt(2 / pi) * (x + 0.044715 * x^3)))  ==>  y = Gelu <approximate = "tanh"> (x)
// From opset 20.
Rule fuse_tanh_gelu() {
  static const std::string text = combine_patterns(
      {
          "x3 = Pow (x, 3)\n c = Mul (x3, 0.044715~)\n i = Add (x, c)\n s = Mul (i, 0.79788456~)",
          "x2 = Mul (x, x)\n x3 = Mul (x2, x)\n c = Mul (x3, 0.044715~)\n i = Add (x, c)\n s = Mul (i, 0.79788456~)",
          "x2 = Mul (x, x)\n c = Mul (x2, 0.044715~)\n x3 = Mul (c, x)\n i = Add (x, x3)\n s = Mul (i, 0.79788456~)",
          "c = Mul (x, 0.044715~)\n x2 = Mul (c, x)\n x3 = Mul (x2, x)\n i = Add (x, x3)\n s = Mul (i, 0.79788456~)",
          "c = Mul (x, 0.044715~)\n x2 = Mul (c, x)\n i = Add (x2, 1.0)\n k = Mul (x, 0.79788456~)\n s = Mul (k, i)",
          "x2 = Mul (x, x)\n c = Mul (x2, 0.044715~)\n i = Add (c, 1.0)\n k = Mul (x, 0.79788456~)\n s = Mul (k, i)",
      },
      {
          "t = Tanh (s)\n p = Add (t, 1.0)\n m = Mul (x, 0.5)\n y = Mul (m, p)",
          "t = Tanh (s)\n p = Add (t, 1.0)\n m = Mul (x, p)\n y = Mul (m, 0.5)",
          "t = Tanh (s)\n p = Add (t, 1.0)\n m = Mul (p, 0.5)\n y = Mul (x, m)",
      });
  return {
      .name = "fuse-tanh-gelu",
      .summary = "The tanh approximation of Gelu, spelled out, to Gelu",
      .match = text,
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("Gelu", {m["x"]}, {{"approximate", std::string("tanh")}}));
          },
  };
}

}  // namespace onnxopt
