#include "passes/fusion/conditions.h"
#include "passes/fusion/two_sided.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {
namespace {

bool none_below_zero(const Match& m) {
  for (const double v : to_doubles(m.tensor("a")))
    if (!(v >= 0)) return false;
  return true;
}

}  // namespace

// y = x above zero, a * x below  ==>  y = PRelu (x, a)
// a: constants that broadcast to x. Keras converters write Relu (x) - a * Relu (-x). With one constant fuse-leaky-relu is first.
Rule fuse_prelu() {
  return {
      .name = "fuse-prelu",
      .summary = "PRelu spelled out with Where, two Relus, Clip or Abs to PRelu",
      .match = sloped_pattern(),
      .where = {is_float_tensor("x"), is_constant("a"), same_shape("x", "y"),
                custom("beside Min and Clip of the product: no slope below 0",
                       [](const Match& m) { return !m.has_node("n") || none_below_zero(m); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Value* slope = m["a"];
            if (const double factor = sloped_factor(m); factor != 1) {
              std::vector<double> a = to_doubles(m.tensor("a"));
              for (double& v : a) v *= factor;
              slope = rw.constant(from_doubles(m.tensor("a").dtype(), m.tensor("a").dims(), a), m["a"]->name());
            }
            rw.replace(m["y"], rw.op("PRelu", {m["x"], slope}));
          },
  };
}

}  // namespace onnxopt
