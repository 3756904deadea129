#include "passes/fusion/weights.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "ir/core/buffer.h"
#include "ir/core/element.h"

namespace onnxopt {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// One operand of a binary arithmetic node is `operand`, the other a constant of a weight type.
const Tensor* other_constant(const Node& n, std::size_t operand, const PassContext& ctx) {
  return n.inputs().size() == 2 && operand < 2 ? weight_of(n.input(1 - operand), ctx) : nullptr;
}

bool is_inference_bn(const Node& n, const PassContext& ctx) {
  if (!n.is("BatchNormalization") || n.inputs().size() != 5) return false;
  for (std::size_t i = 1; i < n.outputs().size(); ++i)
    if (n.output(i)) return false;
  for (std::size_t i = 1; i < 5; ++i)
    if (!weight_of(n.input(i), ctx)) return false;
  return n.attr<std::int64_t>("training_mode") == 0;
}

std::optional<ChannelAffine> bn_affine(const Node& n, std::int64_t channels) {
  std::vector<double> p[4];
  for (std::size_t i = 0; i < 4; ++i) {
    p[i] = to_doubles(*n.input(i + 1)->constant());
    if (static_cast<std::int64_t>(p[i].size()) != channels) return std::nullopt;
  }
  const auto& [scale, b, mean, var] = std::tie(p[0], p[1], p[2], p[3]);
  const double epsilon = n.attr<float>("epsilon");
  ChannelAffine a;
  a.scale.resize(at(channels));
  a.shift.resize(at(channels));
  for (std::size_t c = 0; c < a.scale.size(); ++c) {
    a.scale[c] = scale[c] / std::sqrt(var[c] + epsilon);
    a.shift[c] = b[c] - mean[c] * a.scale[c];
    if (!std::isfinite(a.scale[c]) || !std::isfinite(a.shift[c])) return std::nullopt;
  }
  return a;
}

}  // namespace

bool is_weight_type(DType t) { return t == DType::float32 || t == DType::float16 || t == DType::bfloat16 || t == DType::float64; }

std::vector<double> to_doubles(const Tensor& t) {
  ONNXOPT_CHECK(carrier_of(t.dtype()) == Carrier::f64 || carrier_of(t.dtype()) == Carrier::i64, "a number");
  std::vector<double> v(at(t.size()));
  load_block<double>(t.dtype(), t.bytes().data(), 0, t.size(), v.data());
  return v;
}

Tensor from_doubles(DType t, Dims dims, std::span<const double> values) {
  Buffer made(t, std::move(dims));
  const auto n = static_cast<std::int64_t>(values.size());
  ONNXOPT_CHECK(n == made.size(), "one value an element");
  store_block<double>(t, made.bytes(), 0, n, values.data());
  Stored stored(t);
  for (std::int64_t i = 0; i < n; ++i) stored.add(values[at(i)], load_element<double>(t, made.bytes(), i));
  return stored.well() ? std::move(made).tensor() : Tensor();
}

const Tensor* weight_of(const Value* v, const PassContext& ctx) {
  const Tensor* t = constant_of(v, ctx);
  return t && is_weight_type(t->dtype()) ? t : nullptr;
}

std::optional<double> scalar_of(const Value* v, const PassContext& ctx) {
  const Tensor* t = weight_of(v, ctx);
  if (!t || t->size() != 1) return std::nullopt;
  return load_element<double>(t->dtype(), t->bytes().data(), 0);
}

bool is_scalar(const Value* v, double wanted, const PassContext& ctx, double rel_tolerance) {
  const auto s = scalar_of(v, ctx);
  return s && std::abs(*s - wanted) <= rel_tolerance * std::abs(wanted);
}

std::optional<Ints> ints_of(const Value* v, const PassContext& ctx) {
  const Tensor* t = constant_of(v, ctx);
  if (!t || t->rank() > 1 || (t->dtype() != DType::int64 && t->dtype() != DType::int32)) return std::nullopt;
  Ints r(at(t->size()));
  load_block<std::int64_t>(t->dtype(), t->bytes().data(), 0, t->size(), r.data());
  return r;
}

bool ChannelAffine::shifts() const {
  return std::any_of(shift.begin(), shift.end(), [](double s) { return s != 0; });
}

std::optional<std::vector<double>> channel_values(const Tensor& c, std::int64_t rank, std::int64_t axis, std::int64_t channels) {
  if (c.rank() > rank || axis >= rank || channels <= 0) return std::nullopt;
  for (std::int64_t i = 0; i < c.rank(); ++i) {
    const std::int64_t d = c.dims()[at(i)], where = i + rank - c.rank();
    if (d != 1 && (where != axis || d != channels)) return std::nullopt;
  }
  std::vector<double> v = to_doubles(c);
  if (v.size() == 1) v.assign(at(channels), v[0]);
  return v;
}

bool may_be_affine(const Node& n, std::size_t operand, const PassContext& ctx) {
  if (n.is("BatchNormalization")) return operand == 0 && is_inference_bn(n, ctx);
  if (!n.is("Mul") && !n.is("Div") && !n.is("Add") && !n.is("Sub")) return false;
  if (n.is("Div") && operand != 0) return false;  // c / x is not affine in x
  return other_constant(n, operand, ctx) != nullptr;
}

std::optional<ChannelAffine> channel_affine(const Node& n, std::size_t operand, std::int64_t rank, std::int64_t axis, std::int64_t channels,
                                            const PassContext& ctx) {
  if (!may_be_affine(n, operand, ctx)) return std::nullopt;
  if (n.is("BatchNormalization")) return axis == 1 ? bn_affine(n, channels) : std::nullopt;
  auto c = channel_values(*other_constant(n, operand, ctx), rank, axis, channels);
  if (!c) return std::nullopt;
  for (double v : *c)
    if (!std::isfinite(v)) return std::nullopt;
  ChannelAffine a;
  if (n.is("Mul") || n.is("Div")) {
    a.shift.assign(c->size(), 0.0);
    a.scale = std::move(*c);
    if (n.is("Div"))
      for (double& s : a.scale) s = 1.0 / s;
    for (double s : a.scale)
      if (!std::isfinite(s)) return std::nullopt;
    return a;
  }
  a.scale.assign(c->size(), n.is("Sub") && operand == 1 ? -1.0 : 1.0);
  a.shift = std::move(*c);
  if (n.is("Sub") && operand == 0)
    for (double& s : a.shift) s = -s;
  return a;
}

std::optional<ConstConv> const_conv(const Node& n, const PassContext& ctx) {
  const bool conv = n.is("Conv"), transposed = n.is("ConvTranspose");
  if (!conv && !transposed) return std::nullopt;
  const Value *w = n.input(1), *b = n.input(2);
  if (!weight_of(w, ctx) || (b && !weight_of(b, ctx))) return std::nullopt;
  ConstConv c;
  c.node = &n;
  c.w = *w->constant();
  if (b) c.b = *b->constant();
  c.transposed = transposed;
  c.group = n.attr<std::int64_t>("group");
  if (c.w.rank() < 3 || c.group < 1) return std::nullopt;
  c.out_channels = transposed ? c.w.dims()[1] * c.group : c.w.dims()[0];
  c.in_channels = transposed ? c.w.dims()[0] : c.w.dims()[1] * c.group;
  if (c.out_channels % c.group || c.in_channels % c.group || c.w.size() == 0) return std::nullopt;
  if (b && (c.b.rank() != 1 || c.b.size() != c.out_channels)) return std::nullopt;
  c.kernel = c.w.size() / (c.w.dims()[0] * c.w.dims()[1]);
  return c;
}

// Conv: w[out, in / group, taps]; ConvTranspose: w[in, out / group, taps]. A row is one pair of channels.
Tensor ConstConv::scale_outputs(std::span<const double> s) const {
  const std::int64_t second = w.dims()[1], in_per_group = in_channels / group;
  if (!transposed) return scale_rows(w, second * kernel, [&](std::int64_t r) { return s[at(r)]; });
  return scale_rows(w, kernel, [&](std::int64_t r) { return s[at(r / second / in_per_group * second + r % second)]; });
}

Tensor ConstConv::scale_inputs(std::span<const double> s) const {
  const std::int64_t second = w.dims()[1], out_per_group = out_channels / group;
  if (transposed) return scale_rows(w, second * kernel, [&](std::int64_t r) { return s[at(r)]; });
  return scale_rows(w, kernel, [&](std::int64_t r) { return s[at(r / second / out_per_group * second + r % second)]; });
}

std::vector<double> ConstConv::response(std::span<const double> x) const {
  std::vector<double> y(at(out_channels), 0.0), row(at(kernel));
  const std::int64_t second = w.dims()[1], rows = w.dims()[0] * second;
  const std::int64_t in_per_group = in_channels / group, out_per_group = out_channels / group;
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t first = r / second, other = r % second;
    const std::int64_t in = transposed ? first : first / out_per_group * second + other;
    const std::int64_t out = transposed ? first / in_per_group * second + other : first;
    load_block<double>(w.dtype(), w.bytes().data(), r * kernel, kernel, row.data());
    double sum = 0;
    for (double v : row) sum += v;
    y[at(out)] += sum * x[at(in)];
  }
  return y;
}

std::vector<double> ConstConv::bias() const { return b ? to_doubles(b) : std::vector<double>(at(out_channels), 0.0); }

Value* rebuild_conv(Rewriter& rw, const ConstConv& conv, Value* x, const Tensor& w, std::span<const double> bias) {
  const bool none = std::all_of(bias.begin(), bias.end(), [](double v) { return v == 0; });
  const Tensor b = none ? Tensor() : from_doubles(w ? w.dtype() : conv.w.dtype(), {conv.out_channels}, bias);
  if (!w || (!none && !b)) rw.abandon("a fused weight would leave the range of its type");
  Value* weight = w.shares_payload(conv.w) ? conv.node->input(1) : rw.constant(w, conv.node->input(1)->name());
  std::vector<Value*> in = {x, weight};
  if (!none) in.push_back(rw.constant(b, conv.node->input(2) ? conv.node->input(2)->name() : conv.node->input(1)->name() + "_bias"));
  return rw.op(conv.node->op().name, std::move(in), conv.node->attrs());
}

bool is_quantized(const Value* v) { return v && v->producer() && v->producer()->is("DequantizeLinear"); }

bool feeds_quantize(const Value& v) {
  return std::any_of(v.uses().begin(), v.uses().end(), [](const Use& u) { return u.node->is("QuantizeLinear"); });
}

}  // namespace onnxopt
