#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// r = ReduceSum (Abs (x))  ==>  r = ReduceL1 (x)
// Floats only: a sum of integers wraps around, which the kernels of ReduceL1 do not.
Rule fuse_reduce_l1() {
  return {
      .name = "fuse-reduce-l1",
      .summary = "ReduceSum of absolute values to ReduceL1",
      .match = R"(
        a = Abs (x)
        r = ReduceSum (a, axes?)
      )",
      .where = {is_float_tensor("x")},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            std::vector<Value*> in = {m["x"]};
            if (m["axes"]) in.push_back(m["axes"]);
            rw.replace(m["r"], rw.op("ReduceL1", std::move(in), m.node("r").attrs()));
          },
  };
}

}  // namespace onnxopt
