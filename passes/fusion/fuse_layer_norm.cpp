#include "passes/fusion/norm_patterns.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// d = x - ReduceMean (x)  y = d / Sqrt (ReduceMean (d^2) + eps)  ==>  y = LayerNormalization <axis, epsilon> (x, ones)
// over the last axes. Scale and bias that follow are taken in by fuse-norm-affine. From opset 17.
Rule fuse_layer_norm() {
  return {
      .name = "fuse-layer-norm",
      .summary = "Subtracting the mean and dividing by the deviation over the last axes to LayerNormalization",
      .match = mean_variance_pattern(),
      .where = {is_float_tensor("x"), eps_is_scalar(), scalars_keep_rank("x"),
                custom("both means keep dims and reduce the same last axes",
                       [](const Match& m) { return trailing_axes(m.node("mean"), &m.node("v"), m.context()) > 0; }),
                custom(
                    "the normalized dims are numbers",
                    [](const Match& m) { return static_cast<bool>(trailing_ones(*m["x"], trailing_axes(m.node("mean"), nullptr, m.context()))); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const std::int64_t axes = trailing_axes(m.node("mean"), nullptr, m.context());
            rw.replace(m["y"], rw.op("LayerNormalization", {m["x"], rw.constant(trailing_ones(*m["x"], axes), "ones")},
                                     {{"axis", -axes}, {"epsilon", static_cast<float>(*scalar_of(m["eps"], m.context()))}}));
          },
  };
}

}  // namespace onnxopt
