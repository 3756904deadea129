#include <cmath>

#include "passes/fusion/conditions.h"
#include "passes/fusion/two_sided.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

// What x is divided by inside Exp and multiplied by outside: one positive number, the same to float rounding.
std::optional<double> celu_alpha(const Match& m) {
  const auto inside = scalar_of(m["b"], m.context()), outside = scalar_of(m["a"], m.context());
  if (!inside || !outside || !(*outside > 0) || !std::isfinite(*outside) || !(*inside > 0)) return std::nullopt;
  const double divisor = m.node("q").is("Div") ? *inside : 1 / *inside;
  return std::abs(divisor - *outside) <= 1e-6 * *outside ? outside : std::nullopt;
}

const std::string& celu_pattern() {
  static const std::string pattern = two_sided("q = Div|Mul (x, b)\n e = Exp (q)\n d = Sub (e, 1.0)\n s = Mul (d, a)\n", "s");
  return pattern;
}

}  // namespace

// y = Relu (x) + Min (a * (Exp (x / a) - 1), 0);  y = Where (x > 0, x, a * (Exp (x / a) - 1))  ==>  y = Celu <alpha = a> (x)
Rule fuse_celu() {
  return {
      .name = "fuse-celu",
      .summary = "Celu spelled out with Where, or with Relu and Min or Clip, to Celu",
      .match = celu_pattern(),
      .where = {dtype_is("x", DType::float32), scalars_keep_rank("x"),
                custom("x is divided and the result multiplied by one positive constant", [](const Match& m) { return celu_alpha(m).has_value(); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("Celu", {m["x"]}, {{"alpha", static_cast<float>(*celu_alpha(m))}}));
          },
  };
}

}  // namespace onnxopt
