#include "passes/fusion/norm_patterns.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// d = x - ReduceMean (x)  y = d / Sqrt (ReduceMean (d^2) + eps)  ==>  y = InstanceNormalization <epsilon> (x, ones, zeros)
// over all axes behind the channels of a tensor of rank 4 or more (of rank 3 it is a LayerNormalization). Scale and bias that follow are
// taken in by fuse-norm-affine.
Rule fuse_instance_norm() {
  return {
      .name = "fuse-instance-norm",
      .summary = "Subtracting the mean and dividing by the deviation over the spatial axes to InstanceNormalization",
      .match = mean_variance_pattern(),
      .where = {is_float_tensor("x"), eps_is_scalar(), scalars_keep_rank("x"),
                custom("both means keep dims and reduce all axes behind the channels, rank 4 or more",
                       [](const Match& m) {
                         const std::int64_t axes = trailing_axes(m.node("mean"), &m.node("v"), m.context());
                         return axes >= 2 && axes == m["x"]->type.rank() - 2;
                       }),
                custom("the number of channels is known", [](const Match& m) { return static_extent(*m["x"], {1}) > 0; })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const std::int64_t channels = static_extent(*m["x"], {1});
            const DType t = m["x"]->type.dtype;
            const std::vector<double> ones(static_cast<std::size_t>(channels), 1.0);
            rw.replace(m["y"],
                       rw.op("InstanceNormalization",
                             {m["x"], rw.constant(from_doubles(t, {channels}, ones), "ones"), rw.constant(Tensor::zeros(t, {channels}), "zeros")},
                             {{"epsilon", static_cast<float>(*scalar_of(m["eps"], m.context()))}}));
          },
  };
}

}  // namespace onnxopt
