#include "passes/fusion/gelu_pattern.h"

namespace onnxopt {

namespace {

// The constant factor of a product.
Value* factor(const Node& mul) { return mul.input(mul.input(0)->constant() ? 0 : 1); }

}  // namespace

// 0.5 * (x * (1 + Tanh (sqrt(2 / pi) * (x + 0.044715 * x * x * x)))), and other orders
// ==>  (x * 0.5) * (1 + Tanh (sqrt(2 / pi) * (x + 0.044715 * Pow (x, 3))))
// Below opset 20, where there is no Gelu. ONNX Runtime runs one operator for this order and nine for the one that PyTorch's exporter writes.
Rule spell_tanh_gelu() {
  static const std::string text =
      combine_patterns({"x3 = Pow (x, 3)\n c = Mul (x3, 0.044715~)\n i = Add (x, c)\n s = Mul (i, 0.79788456~)",
                        "c = Mul (x, 0.044715~)\n x2 = Mul (c, x)\n i = Add (x2, 1.0)\n k = Mul (x, 0.79788456~)\n s = Mul (k, i)"},
                       {
                           "t = Tanh (s)\n p = Add (t, 1.0)\n m = Mul (x, p)\n y = Mul (m, 0.5)",
                           "t = Tanh (s)\n p = Add (t, 1.0)\n m = Mul (p, 0.5)\n y = Mul (x, m)",
                       }) +
      "\nor\n" +
      combine_patterns(
          {
              "x2 = Mul (x, x)\n x3 = Mul (x2, x)\n c = Mul (x3, 0.044715~)\n i = Add (x, c)\n s = Mul (i, 0.79788456~)",
              "x2 = Mul (x, x)\n c = Mul (x2, 0.044715~)\n x3 = Mul (c, x)\n i = Add (x, x3)\n s = Mul (i, 0.79788456~)",
              "c = Mul (x, 0.044715~)\n x2 = Mul (c, x)\n x3 = Mul (x2, x)\n i = Add (x, x3)\n s = Mul (i, 0.79788456~)",
              "x2 = Mul (x, x)\n c = Mul (x2, 0.044715~)\n i = Add (c, 1.0)\n k = Mul (x, 0.79788456~)\n s = Mul (k, i)",
          },
          {
              "t = Tanh (s)\n p = Add (t, 1.0)\n m = Mul (x, 0.5)\n y = Mul (m, p)",
              "t = Tanh (s)\n p = Add (t, 1.0)\n m = Mul (x, p)\n y = Mul (m, 0.5)",
              "t = Tanh (s)\n p = Add (t, 1.0)\n m = Mul (p, 0.5)\n y = Mul (x, m)",
          });
  return {
      .name = "spell-tanh-gelu",
      .summary = "Spell the tanh approximation of Gelu in the order that runtimes know, where the opset has none",
      .match = text,
      .where = gelu_stays_written_out(),
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Value* x = m["x"];
            const auto number = [&](double v, std::string_view name) { return gelu_number(m, rw, v, name); };
            Value* s = m["s"];
            if (!m.has_node("x3") || !m.node("x3").is("Pow")) {
              Value* cube = rw.op("Mul", {rw.op("Pow", {x, number(3, "three")}), factor(m.node("c"))});
              s = rw.op("Mul", {rw.op("Add", {x, cube}), factor(m.node(m.has_node("k") ? "k" : "s"))});
            }
            Value* p = rw.op("Add", {rw.op("Tanh", {s}), number(1, "one")});
            rw.replace(m["y"], rw.op("Mul", {rw.op("Mul", {x, number(0.5, "half")}), p}));
          },
  };
}

}  // namespace onnxopt
