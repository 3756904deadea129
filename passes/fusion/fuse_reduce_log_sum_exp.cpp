#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = Log (ReduceSum (Exp (x)))  ==>  y = ReduceLogSumExp (x)
Rule fuse_reduce_log_sum_exp() {
  return {
      .name = "fuse-reduce-log-sum-exp",
      .summary = "Log of a sum of Exp to ReduceLogSumExp",
      .match = R"(
        e = Exp (x)
        r = ReduceSum (e, axes?)
        y = Log (r)
      )",
      .where = {},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            std::vector<Value*> in = {m["x"]};
            if (m["axes"]) in.push_back(m["axes"]);
            rw.replace(m["y"], rw.op("ReduceLogSumExp", std::move(in), m.node("r").attrs()));
          },
  };
}

}  // namespace onnxopt
