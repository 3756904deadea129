#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = x * Clip (x + 3, 0, 6) / 6 in every order, or x * HardSigmoid <alpha = 1/6, beta = 0.5> (x)  ==>  y = HardSwish (x)
// From opset 14; before, fuse-hardswish-old takes over.
Rule fuse_hardswish() {
  return {
      .name = "fuse-hardswish",
      .summary = "x * Clip (x + 3, 0, 6) / 6 to HardSwish",
      .match = R"(
        a = Add (x, 3.0)
        c = Clip (a, 0.0, 6.0)
        m = Mul (x, c)
        y = Div (m, 6.0)
        or
        a = Add (x, 3.0)
        c = Clip (a, 0.0, 6.0)
        m = Mul (x, c)
        y = Mul (m, 0.16666667~)
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
        or
        a = Add (x, 3.0)
        c = Clip (a, 0.0, 6.0)
        m = Div (x, 6.0)
        y = Mul (m, c)
        or
        a = Add (x, 3.0)
        c = Clip (a, 0.0, 6.0)
        m = Mul (x, 0.16666667~)
        y = Mul (m, c)
      )",
      .where = {is_float_tensor("x"), scalars_keep_rank("x")},
      .rewrite = [](const Match& m, Rewriter& rw) { rw.replace(m["y"], rw.op("HardSwish", {m["x"]})); },
  };
}

}  // namespace onnxopt
