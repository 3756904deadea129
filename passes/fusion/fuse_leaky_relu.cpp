#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

// Slope for negative x.
std::optional<double> slope(const Match& m) {
  const auto a = scalar_of(m["a"], m.context());
  if (!a) return std::nullopt;
  if (m.has_node("top")) return *a >= 0 && *a <= 1 ? a : std::nullopt;  // max(x, a x)
  if (!m.has_node("right")) return a;
  return m.node("y").is("Add") ? -*a : *a;  // Relu(x) -+ a Relu(-x)
}

}  // namespace

// y = Max (x, x * a) with 0 <= a <= 1;  y = Where (x > 0, x, x * a);  y = Relu (x) - a * Relu (-x)  ==>  y = LeakyRelu <alpha = a> (x)
Rule fuse_leaky_relu() {
  return {
      .name = "fuse-leaky-relu",
      .summary = "LeakyRelu spelled out with Max, Where or two Relus to LeakyRelu",
      .match = R"(
        s = Mul (x, a)
        top = Max (x, s)
        or
        s = Mul (x, a)
        g = Greater|GreaterOrEqual (x, 0.0)
        w = Where (g, x, s)
        or
        left = Relu (x)
        neg = Neg (x)
        right = Relu (neg)
        s = Mul (right, a)
        y = Sub|Add (left, s)
      )",
      .where = {is_float_tensor("x"), is_scalar_constant("a"), scalars_keep_rank("x"),
                custom("the slope is one finite constant (for Max: 0 to 1)", [](const Match& m) { return slope(m).has_value(); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Value* y = m[m.has_node("top") ? "top" : m.has_node("w") ? "w" : "y"];
            rw.replace(y, rw.op("LeakyRelu", {m["x"]}, {{"alpha", static_cast<float>(*slope(m))}}));
          },
  };
}

}  // namespace onnxopt
