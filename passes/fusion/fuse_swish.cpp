#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// s = Sigmoid (x * alpha)  y = Mul (x, s)  ==>  y = Swish <alpha> (x)
// From opset 24.
Rule fuse_swish() {
  return {
      .name = "fuse-swish",
      .summary = "x * Sigmoid (alpha * x) to Swish",
      .match = R"(
        s = Sigmoid (x)
        y = Mul (x, s)
        or
        m = Mul (x, alpha)
        s = Sigmoid (m)
        y = Mul (x, s)
      )",
      .where = {custom("alpha is one constant", [](const Match& m) { return !m.has_node("m") || scalar_of(m["alpha"], m.context()); }),
                scalars_keep_rank("x")},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Attrs attrs;
            if (m.has_node("m")) attrs.set("alpha", static_cast<float>(*scalar_of(m["alpha"], m.context())));
            rw.replace(m["y"], rw.op("Swish", {m["x"]}, std::move(attrs)));
          },
  };
}

}  // namespace onnxopt
