#include <cmath>

#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// h = HardSigmoid <alpha = 1/6, beta = 0.5> (x)  y = Mul (x, h)  ==>  y = HardSwish (x)
Rule fuse_hardsigmoid_mul() {
  return {
      .name = "fuse-hardsigmoid-mul",
      .summary = "x * HardSigmoid (x) to HardSwish",
      .match = R"(
        h = HardSigmoid <alpha = @alpha, beta = @beta> (x)
        y = Mul (x, h)
      )",
      .where = {custom("alpha is 1/6 and beta is 1/2",
                       [](const Match& m) {
                         const Node& h = m.node("h");
                         return std::abs(h.attr<float>("alpha") - 1.0F / 6.0F) < 1e-4F && h.attr<float>("beta") == 0.5F;
                       })},
      .rewrite = [](const Match& m, Rewriter& rw) { rw.replace(m["y"], rw.op("HardSwish", {m["x"]})); },
  };
}

}  // namespace onnxopt
