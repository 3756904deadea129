#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// s = Softmax <axis> (x)  y = Log (s)  ==>  y = LogSoftmax <axis> (x)
// More exact too: no Log of an underflow.
Rule fuse_log_softmax() {
  return {
      .name = "fuse-log-softmax",
      .summary = "Log (Softmax (x)) to LogSoftmax",
      .match = R"(
        s = Softmax (x)
        y = Log (s)
      )",
      .where = {},
      .rewrite = [](const Match& m, Rewriter& rw) { rw.replace(m["y"], rw.op("LogSoftmax", {m["x"]}, m.node("s").attrs())); },
  };
}

}  // namespace onnxopt
