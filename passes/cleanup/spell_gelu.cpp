#include <cmath>

#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"

namespace onnxopt {

namespace {

// The factor beside x; of those that exporters write, what it was rounded from.
double root_of(const Node& scaled, const PassContext& ctx) {
  constexpr double kRoot = 1.4142135623730951;
  for (const Value* v : scaled.inputs())
    if (const auto c = scalar_of(v, ctx)) return std::abs(1 / *c - kRoot) < 1e-6 ? kRoot : 1 / *c;
  return kRoot;
}

}  // namespace

// x * (0.5 * (1 + Erf (x / sqrt(2)))), and other orders  ==>  (x * (1 + Erf (x / sqrt(2)))) * 0.5
// Below opset 20, where there is no Gelu. ONNX Runtime runs one operator for this order and five for the others, among them the one that torch.export
// writes. Half of a number is exact, so that only numbers at the ends of the range differ; 1 / sqrt(2) as a factor rounds differently from the
// division.
Rule spell_gelu() {
  static const std::string text =
      combine_patterns({"s = Div (x, 1.41421356~)\n e = Erf (s)\n p = Add (e, 1.0)"},
                       {
                           "m = Mul (p, 0.5)\n y = Mul (x, m)",
                           "m = Mul (x, p)\n y = Div (m, 2.0)",
                           "m = Div (x, 2.0)\n y = Mul (m, p)",
                       }) +
      "\nor\n" +
      combine_patterns({"s = Mul (x, 0.70710678~)\n e = Erf (s)\n p = Add (e, 1.0)"}, {
                                                                                          "m = Mul (x, p)\n y = Mul (m, 0.5)",
                                                                                          "m = Mul (x, 0.5)\n y = Mul (m, p)",
                                                                                          "m = Mul (p, 0.5)\n y = Mul (x, m)",
                                                                                          "m = Mul (x, p)\n y = Div (m, 2.0)",
                                                                                          "m = Div (x, 2.0)\n y = Mul (m, p)",
                                                                                      });
  return {
      .name = "spell-gelu",
      .summary = "Spell Gelu in the order that runtimes know, where the opset has none",
      .match = text,
      .where = {is_float_tensor("x"), constants_of_exporters_fit("x"),
                custom("x is not a constant", [](const Match& m) { return !m["x"]->constant(); }),
                custom("the output opset has no Gelu", [](const Match& m) { return m.context().output.version("") < 20; })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const auto number = [&](double v, std::string_view name) { return rw.constant(from_doubles(m["x"]->type.dtype, {}, {&v, 1}), name); };
            Value* p = m["p"];
            if (m.node("s").is("Mul"))
              p = rw.op("Add", {rw.op("Erf", {rw.op("Div", {m["x"], number(root_of(m.node("s"), m.context()), "sqrt_2")})}), number(1, "one")});
            rw.replace(m["y"], rw.op("Mul", {rw.op("Mul", {m["x"], p}), number(0.5, "half")}));
          },
  };
}

}  // namespace onnxopt
