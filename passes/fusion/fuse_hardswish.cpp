#include "passes/fusion/hardswish_pattern.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = x * Clip (x + 3, 0, 6) / 6 in every order, or x * HardSigmoid <alpha = 1/6, beta = 0.5> (x)  ==>  y = HardSwish (x)
// From opset 14; before, fuse-hardswish-old takes over.
Rule fuse_hardswish() {
  static const std::string pattern = hardswish_pattern() + R"(
        or
        a = Add (x, 3.0)
        c = Clip (a, 0.0, 6.0)
        m = Div (c, 6.0)
        y = Mul (x, m)
        or
        a = Add (x, 3.0)
        c = Clip (a, 0.0, 6.0)
        m = Mul (c, 0.16666667~)
        y = Mul (x, m)
      )";
  return {
      .name = "fuse-hardswish",
      .summary = "x * Clip (x + 3, 0, 6) / 6 to HardSwish",
      .match = pattern,
      .where = hardswish_conditions(),
      .rewrite = [](const Match& m, Rewriter& rw) { rw.replace(m["y"], rw.op("HardSwish", {m["x"]})); },
  };
}

}  // namespace onnxopt
