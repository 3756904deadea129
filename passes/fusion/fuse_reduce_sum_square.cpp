#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// r = ReduceSum (x * x)  ==>  r = ReduceSumSquare (x)
Rule fuse_reduce_sum_square() {
  return {
      .name = "fuse-reduce-sum-square",
      .summary = "ReduceSum of squares to ReduceSumSquare",
      .match = R"(
        q = Mul (x, x)
        r = ReduceSum (q, axes?)
        or
        q = Pow (x, 2)
        r = ReduceSum (q, axes?)
      )",
      .where = {},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            std::vector<Value*> in = {m["x"]};
            if (m["axes"]) in.push_back(m["axes"]);
            rw.replace(m["r"], rw.op("ReduceSumSquare", std::move(in), m.node("r").attrs()));
          },
  };
}

}  // namespace onnxopt
