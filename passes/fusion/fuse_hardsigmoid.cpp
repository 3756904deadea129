#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = Clip (x + 3, 0, 6) / 6  ==>  y = HardSigmoid <alpha = 1/6, beta = 0.5> (x)
Rule fuse_hardsigmoid() {
  return {
      .name = "fuse-hardsigmoid",
      .summary = "Clip (x + 3, 0, 6) / 6 to HardSigmoid",
      .match = R"(
        a = Add (x, 3.0)
        c = Clip (a, 0.0, 6.0)
        y = Div (c, 6.0)
        or
        a = Add (x, 3.0)
        c = Clip (a, 0.0, 6.0)
        y = Mul (c, 0.16666667~)
      )",
      .where = {is_float_tensor("x")},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("HardSigmoid", {m["x"]}, {{"alpha", 1.0F / 6.0F}, {"beta", 0.5F}}));
          },
  };
}

}  // namespace onnxopt
