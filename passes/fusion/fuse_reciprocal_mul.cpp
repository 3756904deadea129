#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// r = Reciprocal (x)  z = Mul (y, r)  ==>  z = Div (y, x);  so for 1 / x written as Div
Rule fuse_reciprocal_mul() {
  return {
      .name = "fuse-reciprocal-mul",
      .summary = "y * (1 / x) to y / x",
      .match = R"(
        r = Reciprocal (x)
        z = Mul (y, r)
        or
        r = Div (1.0, x)
        z = Mul (y, r)
      )",
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["z"], rw.op("Div", {m["y"], m["x"]}));
          },
  };
}

}  // namespace onnxopt
