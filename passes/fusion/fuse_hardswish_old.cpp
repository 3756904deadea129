#include "passes/fusion/hardswish_pattern.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = x * Clip (x + 3, 0, 6) / 6  ==>  y = x * HardSigmoid <alpha = 1/6, beta = 0.5> (x)
// For opsets below 14, which have no HardSwish: two nodes for four. Where the division comes before the product, fuse-hardsigmoid does it.
Rule fuse_hardswish_old() {
  return {
      .name = "fuse-hardswish-old",
      .summary = "x * Clip (x + 3, 0, 6) / 6 to x * HardSigmoid (x), where the opset has no HardSwish",
      .match = hardswish_pattern(),
      .where = hardswish_conditions(),
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Value* h = rw.op("HardSigmoid", {m["x"]}, {{"alpha", 1.0F / 6.0F}, {"beta", 0.5F}});
            rw.replace(m["y"], rw.op("Mul", {m["x"], h}));
          },
  };
}

}  // namespace onnxopt
