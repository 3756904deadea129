#include <algorithm>

#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

// Where the scale of a normalization lies in its output: channel axis 1, or the last axis.
struct ConstNorm {
  std::vector<double> scale, bias;
  std::int64_t axis = 0, channels = 0;
  bool last_axis = false;  // LayerNormalization, RMSNormalization
};

std::optional<ConstNorm> const_norm(const Node& n, const PassContext& ctx) {
  ConstNorm c;
  c.last_axis = n.is("LayerNormalization") || n.is("RMSNormalization");
  const Tensor *scale = weight_of(n.input(1), ctx), *bias = n.input(2) ? weight_of(n.input(2), ctx) : nullptr;
  const Type& out = n.output()->type;
  if (!scale || scale->rank() != 1 || (n.input(2) && (!bias || bias->dims() != scale->dims())) || !out.has_rank()) return std::nullopt;
  if (c.last_axis) {
    const auto axis = n.attr<std::int64_t>("axis");
    if ((axis < 0 ? axis + out.rank() : axis) != out.rank() - 1) return std::nullopt;
  }
  c.axis = c.last_axis ? out.rank() - 1 : 1;
  c.channels = scale->size();
  if (c.axis >= out.rank() || !(*out.shape)[static_cast<std::size_t>(c.axis)].is(c.channels)) return std::nullopt;
  c.scale = to_doubles(*scale);
  c.bias = bias ? to_doubles(*bias) : std::vector<double>(c.scale.size(), 0.0);
  return c;
}

bool is_norm(const Node& n) {
  return n.is("LayerNormalization") || n.is("RMSNormalization") || n.is("InstanceNormalization") || n.is("GroupNormalization") ||
         n.is("BatchNormalization");
}

bool single_output(const Node& n) {
  for (std::size_t i = 1; i < n.outputs().size(); ++i)
    if (n.output(i)) return false;
  return !n.is("BatchNormalization") || n.attr<std::int64_t>("training_mode") == 0;
}

bool visit(const Node& n, Rewriter& rw) {
  for (std::size_t operand = 0; operand < 2; ++operand) {
    const Value* v = n.input(operand);
    const Node* norm = v ? v->producer() : nullptr;
    if (!norm || norm->kept || !is_norm(*norm) || !may_be_affine(n, operand, rw.context()) || !single_output(*norm)) continue;
    if (!v->used_once()) return rw.give_up("the normalized value has another reader"), false;
    const auto c = const_norm(*norm, rw.context());
    if (!c) return rw.give_up("scale and bias are not constants of one axis"), false;
    const auto a = channel_affine(n, operand, v->type.rank(), c->axis, c->channels, rw.context());
    if (!a) return rw.give_up("the constant is not one value a channel"), false;
    if (norm->is("RMSNormalization") && a->shifts()) return rw.give_up("RMSNormalization has no bias"), false;
    std::vector<double> scale = c->scale, bias = c->bias;
    for (std::size_t i = 0; i < scale.size(); ++i) {
      scale[i] *= a->scale[i];
      bias[i] = bias[i] * a->scale[i] + a->shift[i];
    }
    const DType t = norm->input(1)->constant()->dtype();
    const Tensor new_scale = from_doubles(t, {c->channels}, scale), new_bias = from_doubles(t, {c->channels}, bias);
    if (!new_scale || !new_bias) return rw.give_up("a fused constant would leave the range of its type"), false;
    std::vector<Value*> in(norm->inputs().begin(), norm->inputs().end());
    if (scale != c->scale) in[1] = rw.constant(new_scale, in[1]->name());
    const bool no_bias = c->last_axis && std::all_of(bias.begin(), bias.end(), [](double b) { return b == 0; });
    if (no_bias) in.resize(2);
    else if (in.size() < 3) in.push_back(rw.constant(new_bias, in[1]->name() + "_bias"));
    else if (bias != c->bias) in[2] = rw.constant(new_bias, in[2]->name());
    rw.consume(*norm);
    rw.replace(n.output(), rw.op(norm->op().name, std::move(in), norm->attrs()));
    return true;
  }
  return false;
}

}  // namespace

// z = LayerNormalization|RMSNormalization|InstanceNormalization|GroupNormalization|BatchNormalization (x, g, b?)  y = Mul|Div|Add|Sub (z, k)
// ==>  the same normalization with g * s and b * s + t
// k: one constant, or one a normalized element (a channel). Only the arithmetic reads z.
NodeRule fuse_norm_affine() {
  return {
      .name = "fuse-norm-affine",
      .summary = "Fold Mul, Div, Add and Sub with constants into scale and bias of the normalization before them",
      .ops = "Add Div Mul Sub",
      .level = Level::o2,
      .visit = visit,
  };
}

}  // namespace onnxopt
