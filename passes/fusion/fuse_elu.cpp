#include <cmath>

#include "passes/fusion/conditions.h"
#include "passes/fusion/two_sided.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

// The slope at minus infinity, as (Exp (x) - 1) is multiplied; 1 where nothing is. In the sum of Relu and Min it must be positive.
std::optional<double> elu_alpha(const Match& m) {
  const auto a = m.has_node("s") ? scalar_of(m["a"], m.context()) : std::optional<double>(1.0);
  if (!a || !std::isfinite(*a) || (m.has_node("n") && *a <= 0)) return std::nullopt;
  return a;
}

const std::string& elu_pattern() {
  static const std::string pattern =
      two_sided("e = Exp (x)\n d = Sub (e, 1.0)\n s = Mul (d, a)\n", "s") + "or\n" + two_sided("e = Exp (x)\n d = Sub (e, 1.0)\n", "d");
  return pattern;
}

}  // namespace

// y = Where (x > 0, x, a * (Exp (x) - 1));  y = Relu (x) + Min (a * (Exp (x) - 1), 0) with a > 0  ==>  y = Elu <alpha = a> (x)
Rule fuse_elu() {
  return {
      .name = "fuse-elu",
      .summary = "Elu spelled out with Where, or with Relu and Min or Clip, to Elu",
      .match = elu_pattern(),
      .where = {is_float_tensor("x"), scalars_keep_rank("x"),
                custom("the factor is one finite constant (beside Relu and Min: above 0)", [](const Match& m) { return elu_alpha(m).has_value(); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("Elu", {m["x"]}, {{"alpha", static_cast<float>(*elu_alpha(m))}}));
          },
  };
}

}  // namespace onnxopt
