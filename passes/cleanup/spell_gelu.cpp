#include <cmath>

#include "passes/fusion/gelu_pattern.h"
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
      combine_patterns(gelu_of_quotient(), gelu_products_unfused()) + "\nor\n" + combine_patterns(gelu_of_product(), gelu_products());
  return {
      .name = "spell-gelu",
      .summary = "Spell Gelu in the order that runtimes know, where the opset has none",
      .match = text,
      .where = gelu_stays_written_out(),
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const auto number = [&](double v, std::string_view name) { return gelu_number(m, rw, v, name); };
            Value* p = m["p"];
            if (m.node("s").is("Mul"))
              p = rw.op("Add", {rw.op("Erf", {rw.op("Div", {m["x"], number(root_of(m.node("s"), m.context()), "sqrt_2")})}), number(1, "one")});
            rw.replace(m["y"], rw.op("Mul", {rw.op("Mul", {m["x"], p}), number(0.5, "half")}));
          },
  };
}

}  // namespace onnxopt
