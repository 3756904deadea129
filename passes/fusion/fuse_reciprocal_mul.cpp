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
      .where = {custom("the one does not raise the rank",
                       [](const Match& m) {
                         const Value* one = m.node("r").is("Div") ? m.node("r").input(0) : nullptr;
                         return !one || one->type.rank() == 0 || (m["x"]->type.has_rank() && one->type.rank() <= m["x"]->type.rank());
                       })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["z"], rw.op("Div", {m["y"], m["x"]}));
          },
  };
}

}  // namespace onnxopt
