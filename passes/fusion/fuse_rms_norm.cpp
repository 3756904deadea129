#include "passes/fusion/norm_patterns.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = x / Sqrt (ReduceMean (x^2) + eps)  ==>  y = RMSNormalization <axis, epsilon> (x, ones)
// over the last axes. A scale that follows is taken in by fuse-norm-affine. From opset 23.
Rule fuse_rms_norm() {
  return {
      .name = "fuse-rms-norm",
      .summary = "Dividing by the root mean square over the last axes to RMSNormalization",
      .match = mean_square_pattern(),
      .where = {is_float_tensor("x"), eps_is_scalar(), scalars_keep_rank("x"),
                custom("the mean keeps dims and reduces the last axes",
                       [](const Match& m) { return trailing_axes(m.node("v"), nullptr, m.context()) > 0; }),
                custom("the normalized dims are numbers",
                       [](const Match& m) { return static_cast<bool>(trailing_ones(*m["x"], trailing_axes(m.node("v"), nullptr, m.context()))); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const std::int64_t axes = trailing_axes(m.node("v"), nullptr, m.context());
            rw.replace(m["y"], rw.op("RMSNormalization", {m["x"], rw.constant(trailing_ones(*m["x"], axes), "ones")},
                                     {{"axis", -axes}, {"epsilon", static_cast<float>(*scalar_of(m["eps"], m.context()))}}));
          },
  };
}

}  // namespace onnxopt
