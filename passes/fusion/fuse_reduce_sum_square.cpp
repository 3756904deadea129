#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// r = ReduceSum (x * x)  ==>  r = ReduceSumSquare (x)
// Floats only: squares of integers wrap around, which the kernels of ReduceSumSquare do not.
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
      .where = {is_float_tensor("x")},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            std::vector<Value*> in = {m["x"]};
            if (m["axes"]) in.push_back(m["axes"]);
            rw.replace(m["r"], rw.op("ReduceSumSquare", std::move(in), m.node("r").attrs()));
          },
  };
}

}  // namespace onnxopt
