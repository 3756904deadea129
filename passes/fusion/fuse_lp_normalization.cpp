#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// n = ReduceL2|ReduceL1 <keepdims = 1> (x, axis)  y = Div (x, n)  ==>  y = LpNormalization <axis, p> (x)
// One axis. A Clip or Max against division by zero, or an Expand to the shape of x, stands between in most exports; those do not match:
// LpNormalization has no bound. O3: where the norm is 0, the quotient is NaN and LpNormalization gives 0.
Rule fuse_lp_normalization() {
  return {
      .name = "fuse-lp-normalization",
      .summary = "x over its L1 or L2 norm along one axis to LpNormalization",
      .match = R"(
        n = ReduceL2|ReduceL1 (x, axes?)
        y = Div (x, n)
      )",
      .where = {is_float_tensor("x"), custom("one axis, dims kept",
                                             [](const Match& m) {
                                               const auto axes = reduce_axes(m.node("n"), m.context());
                                               return axes && axes->size() == 1 && m.node("n").attr<std::int64_t>("keepdims") == 1;
                                             })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"],
                       rw.op("LpNormalization", {m["x"]},
                             {{"axis", reduce_axes(m.node("n"), m.context())->front()}, {"p", std::int64_t{m.node("n").is("ReduceL1") ? 1 : 2}}}));
          },
      .level = Level::o3,
  };
}

}  // namespace onnxopt
