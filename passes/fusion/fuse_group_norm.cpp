#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

// r is x with its channels cut into groups: [N, groups, ...], rank 3 or more.
std::int64_t groups_of(const Match& m) {
  const Type &x = m["x"]->type, &r = m["r"]->type;
  if (!x.has_rank() || !r.has_rank() || x.rank() < 3 || r.rank() < 3) return 0;
  if (!same((*x.shape)[0], (*r.shape)[0]) || !(*x.shape)[1].is_value() || !(*r.shape)[1].is_value()) return 0;
  const std::int64_t channels = (*x.shape)[1].value(), groups = (*r.shape)[1].value();
  return groups > 0 && channels > 0 && channels % groups == 0 ? groups : 0;
}

// One value a group becomes one a channel.
Tensor per_channel(const Tensor& t, std::int64_t channels) {
  const std::vector<double> in = to_doubles(t);
  std::vector<double> out(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < out.size(); ++c) out[c] = in[c * in.size() / out.size()];
  return from_doubles(t.dtype(), {channels}, out);
}

}  // namespace

// r = Reshape (x, [0, groups, -1])  i = InstanceNormalization <epsilon> (r, scale, b)  y = Reshape (i, shape of x)
// ==>  y = GroupNormalization <num_groups, epsilon> (x, scale, b)
// How PyTorch's script exporter writes GroupNorm. From opset 21.
Rule fuse_group_norm() {
  return {
      .name = "fuse-group-norm",
      .summary = "InstanceNormalization between Reshapes to GroupNormalization",
      .match = R"(
        r = Reshape (x, _)
        i = InstanceNormalization <epsilon = @epsilon> (r, scale, b)
        y = Reshape (i, _)
      )",
      .where = {is_constant("scale b"), custom("the first Reshape cuts channels into groups", [](const Match& m) { return groups_of(m) > 0; }),
                same_shape("x", "y")},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const std::int64_t channels = static_extent(*m["x"], {1});
            const Tensor scale = per_channel(m.tensor("scale"), channels), b = per_channel(m.tensor("b"), channels);
            if (!scale || !b) rw.abandon("scale or bias is not finite");
            rw.replace(m["y"], rw.op("GroupNormalization", {m["x"], rw.constant(scale, m["scale"]->name()), rw.constant(b, m["b"]->name())},
                                     {{"epsilon", m.node("i").attr<float>("epsilon")}, {"num_groups", groups_of(m)}}));
          },
  };
}

}  // namespace onnxopt
