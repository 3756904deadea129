#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = Relu (x) - a * Relu (-x)  ==>  y = PRelu (x, a)
// a: constants that broadcast to x. As Keras converters write PReLU. With one constant fuse-leaky-relu is first.
Rule fuse_prelu() {
  return {
      .name = "fuse-prelu",
      .summary = "Relu (x) - a * Relu (-x) to PRelu",
      .match = R"(
        left = Relu (x)
        neg = Neg (x)
        right = Relu (neg)
        s = Mul (right, a)
        y = Sub|Add (left, s)
      )",
      .where = {is_float_tensor("x"), is_constant("a"), same_shape("x", "y")},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Value* slope = m["a"];
            if (m.node("y").is("Add")) {
              std::vector<double> a = to_doubles(m.tensor("a"));
              for (double& v : a) v = -v;
              slope = rw.constant(from_doubles(m.tensor("a").dtype(), m.tensor("a").dims(), a), m["a"]->name());
            }
            rw.replace(m["y"], rw.op("PRelu", {m["x"], slope}));
          },
  };
}

}  // namespace onnxopt
