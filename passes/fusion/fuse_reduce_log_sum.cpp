#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = Log (ReduceSum (x))  ==>  y = ReduceLogSum (x)
Rule fuse_reduce_log_sum() {
  return {
      .name = "fuse-reduce-log-sum",
      .summary = "Log of ReduceSum to ReduceLogSum",
      .match = R"(
        r = ReduceSum (x, axes?)
        y = Log (r)
      )",
      .where = {},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            std::vector<Value*> in = {m["x"]};
            if (m["axes"]) in.push_back(m["axes"]);
            rw.replace(m["y"], rw.op("ReduceLogSum", std::move(in), m.node("r").attrs()));
          },
  };
}

}  // namespace onnxopt
