#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// e = Exp (x - ReduceMax (x))  y = e / ReduceSum (e)  ==>  y = Softmax <axis> (x);  also without the maximum
// for one axis, dims kept. Exp (x) alone may overflow where Softmax does not.
Rule fuse_softmax() {
  return {
      .name = "fuse-softmax",
      .summary = "Exp over the sum of Exp to Softmax",
      .match = R"(
        top = ReduceMax (x, max_axes?)
        d = Sub (x, top)
        e = Exp (d)
        sum = ReduceSum (e, axes?)
        y = Div (e, sum)
        or
        e = Exp (x)
        sum = ReduceSum (e, axes?)
        y = Div (e, sum)
      )",
      .where = {custom("one axis, dims kept",
                       [](const Match& m) {
                         const auto axes = reduce_axes(m.node("sum"), m.context());
                         if (!axes || axes->size() != 1 || m.node("sum").attr<std::int64_t>("keepdims") != 1) return false;
                         if (!m.has_node("top")) return true;
                         return m.node("top").attr<std::int64_t>("keepdims") == 1 && reduce_axes(m.node("top"), m.context()) == axes;
                       })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("Softmax", {m["x"]}, {{"axis", reduce_axes(m.node("sum"), m.context())->front()}}));
          },
  };
}

}  // namespace onnxopt
