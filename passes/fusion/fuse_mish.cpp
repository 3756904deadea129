#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = x * Tanh (Softplus (x))  ==>  y = Mish (x)
// From opset 18.
Rule fuse_mish() {
  return {
      .name = "fuse-mish",
      .summary = "x * Tanh (Softplus (x)) to Mish",
      .match = R"(
        p = Softplus (x)
        t = Tanh (p)
        y = Mul (x, t)
      )",
      .where = {},
      .rewrite = [](const Match& m, Rewriter& rw) { rw.replace(m["y"], rw.op("Mish", {m["x"]})); },
  };
}

}  // namespace onnxopt
