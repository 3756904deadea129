#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = Log (1 + Exp (x))  ==>  y = Softplus (x)
Rule fuse_softplus() {
  return {
      .name = "fuse-softplus",
      .summary = "Log (1 + Exp (x)) to Softplus",
      .match = R"(
        e = Exp (x)
        a = Add (e, 1.0)
        y = Log (a)
      )",
      .rewrite = [](const Match& m, Rewriter& rw) { rw.replace(m["y"], rw.op("Softplus", {m["x"]})); },
  };
}

}  // namespace onnxopt
