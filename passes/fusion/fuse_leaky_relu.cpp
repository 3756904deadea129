#include "passes/fusion/conditions.h"
#include "passes/fusion/two_sided.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

// Slope for negative x.
std::optional<double> slope(const Match& m) {
  const auto a = scalar_of(m["a"], m.context());
  if (!a || !std::isfinite(*a)) return std::nullopt;
  if (m.has_node("top")) return *a >= 0 && *a <= 1 ? a : std::nullopt;  // max(x, a x)
  if (m.has_node("n") && *a < 0) return std::nullopt;                   // min(a x, 0)
  return *a * sloped_factor(m);
}

const std::string& leaky_pattern() {
  static const std::string pattern = "s = Mul (x, a)\n top = Max (x, s)\n or\n" + sloped_pattern();
  return pattern;
}

}  // namespace

// y = Max (x, x * a) with 0 <= a <= 1;  y = x above zero, a * x below  ==>  y = LeakyRelu <alpha = a> (x)
Rule fuse_leaky_relu() {
  return {
      .name = "fuse-leaky-relu",
      .summary = "LeakyRelu spelled out with Max, Where, two Relus, Clip or Abs to LeakyRelu",
      .match = leaky_pattern(),
      .where = {is_float_tensor("x"), is_scalar_constant("a"), scalars_keep_rank("x"),
                custom("the slope is one finite constant (for Max: 0 to 1)", [](const Match& m) { return slope(m).has_value(); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m[m.has_node("top") ? "top" : "y"], rw.op("LeakyRelu", {m["x"]}, {{"alpha", static_cast<float>(*slope(m))}}));
          },
  };
}

}  // namespace onnxopt
