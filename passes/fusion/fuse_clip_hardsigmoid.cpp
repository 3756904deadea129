#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = Clip (x * a + b, 0, 1)  ==>  y = HardSigmoid <alpha = a, beta = b> (x)
Rule fuse_clip_hardsigmoid() {
  return {
      .name = "fuse-clip-hardsigmoid",
      .summary = "Clip (x * a + b, 0, 1) to HardSigmoid",
      .match = R"(
        m = Mul (x, a)
        s = Add (m, b)
        y = Clip (s, 0.0, 1.0)
        or
        m = Div (x, a)
        s = Add (m, b)
        y = Clip (s, 0.0, 1.0)
      )",
      .where = {is_float_tensor("x"), is_scalar_constant("a b"), scalars_keep_rank("x"),
                custom("x is not a constant", [](const Match& m) { return !m["x"]->constant(); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const double a = *scalar_of(m["a"], m.context()), b = *scalar_of(m["b"], m.context());
            const double alpha = m.node("m").is("Div") ? 1.0 / a : a;
            if (!std::isfinite(static_cast<float>(alpha)) || !std::isfinite(static_cast<float>(b))) rw.abandon("the slope is not finite");
            rw.replace(m["y"], rw.op("HardSigmoid", {m["x"]}, {{"alpha", static_cast<float>(alpha)}, {"beta", static_cast<float>(b)}}));
          },
  };
}

}  // namespace onnxopt
