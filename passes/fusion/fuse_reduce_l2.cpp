#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = Sqrt (ReduceSum (x * x))  ==>  y = ReduceL2 (x)
Rule fuse_reduce_l2() {
  return {
      .name = "fuse-reduce-l2",
      .summary = "Sqrt of a sum of squares to ReduceL2",
      .match = R"(
        q = Mul (x, x)
        r = ReduceSum (q, axes?)
        y = Sqrt (r)
        or
        q = Pow (x, 2)
        r = ReduceSum (q, axes?)
        y = Sqrt (r)
        or
        r = ReduceSumSquare (x, axes?)
        y = Sqrt (r)
        or
        r = ReduceSumSquare (x, axes?)
        y = Pow (r, 0.5)
      )",
      .where = {is_float_tensor("x")},  // a sum of squares of integers wraps around, a norm does not
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            std::vector<Value*> in = {m["x"]};
            if (m["axes"]) in.push_back(m["axes"]);
            rw.replace(m["y"], rw.op("ReduceL2", std::move(in), m.node("r").attrs()));
          },
  };
}

}  // namespace onnxopt
