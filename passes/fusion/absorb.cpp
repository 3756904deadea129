#include "passes/fusion/absorb.h"

#include <algorithm>
#include <cmath>

#include "passes/fusion/weights.h"

namespace onnxopt {

namespace {

constexpr const char* kNotConstant = "the weights are not constant";
constexpr const char* kNotChannels = "the constant is not one value an output channel";
constexpr const char* kNotInputChannels = "the constant is not one value an input channel";
constexpr const char* kNotFinite = "a fused weight would leave the range of its type";
constexpr const char* kTakenBack = "one addend takes back what the other gave, and with it digits of x";

bool no(Rewriter& rw, const char* why) {
  rw.give_up(why);
  return false;
}

// A large bias that the shift nearly removes again was there to round x: merging the two would bring the digits back.
bool takes_back(double bias, double shift) { return std::abs(bias) > 256 && std::abs(bias + shift) < std::abs(bias) / 256; }
bool takes_back(const std::vector<double>& bias, const std::vector<double>& scale, const std::vector<double>& shift) {
  for (std::size_t c = 0; c < bias.size(); ++c)
    if (takes_back(bias[c] * scale[c], shift[c])) return true;
  return false;
}

Value* finite_constant(Rewriter& rw, const Tensor& t, const Value& old) {
  if (!t) rw.abandon(kNotFinite);
  return rw.constant(t, old.name());
}

bool after_conv(const Node& n, std::size_t operand, const Node& linear, Rewriter& rw) {
  const auto conv = const_conv(linear, rw.context());
  if (!conv) return no(rw, kNotConstant);
  const auto a = channel_affine(n, operand, conv->rank(), 1, conv->out_channels, rw.context());
  if (!a) return no(rw, kNotChannels);
  std::vector<double> bias = conv->bias();
  if (takes_back(bias, a->scale, a->shift)) return no(rw, kTakenBack);
  for (std::size_t c = 0; c < bias.size(); ++c) bias[c] = bias[c] * a->scale[c] + a->shift[c];
  const bool scales = std::any_of(a->scale.begin(), a->scale.end(), [](double s) { return s != 1; });
  rw.consume(linear);
  rw.replace(n.output(), rebuild_conv(rw, *conv, linear.input(0), scales ? conv->scale_outputs(a->scale) : conv->w, bias));
  return true;
}

struct ConstGemm {
  Tensor b;
  std::vector<double> c;               // beta * C, one value a column; zeros if absent
  std::int64_t columns = 0, rows = 0;  // of op(B)
  bool trans_b = false;
};

std::optional<ConstGemm> const_gemm(const Node& n, const PassContext& ctx) {
  const Tensor* b = weight_of(n.input(1), ctx);
  if (!b || b->rank() != 2 || b->size() == 0) return std::nullopt;
  ConstGemm g;
  g.b = *b;
  g.trans_b = n.attr<std::int64_t>("transB") != 0;
  g.columns = b->dims()[g.trans_b ? 0 : 1];
  g.rows = b->dims()[g.trans_b ? 1 : 0];
  g.c.assign(static_cast<std::size_t>(g.columns), 0.0);
  if (!n.input(2)) return g;
  const Tensor* c = weight_of(n.input(2), ctx);
  if (!c) return std::nullopt;
  const auto values = channel_values(*c, 2, 1, g.columns);
  if (!values) return std::nullopt;
  for (std::size_t i = 0; i < g.c.size(); ++i) g.c[i] = (*values)[i] * n.attr<float>("beta");
  return g;
}

Value* rebuild_gemm(Rewriter& rw, const Node& gemm, Value* x, Value* b, DType t, const std::vector<double>& c) {
  std::vector<Value*> in = {x, b};
  Attrs attrs = gemm.attrs();
  attrs.remove("beta");
  if (std::any_of(c.begin(), c.end(), [](double v) { return v != 0; })) {
    const Tensor bias = from_doubles(t, {static_cast<std::int64_t>(c.size())}, c);
    if (!bias) rw.abandon(kNotFinite);
    in.push_back(rw.constant(bias, gemm.input(2) ? gemm.input(2)->name() : b->name() + "_bias"));
  }
  return rw.op("Gemm", std::move(in), std::move(attrs));
}

bool after_gemm(const Node& n, std::size_t operand, const Node& linear, Rewriter& rw) {
  auto g = const_gemm(linear, rw.context());
  if (!g) return no(rw, kNotConstant);
  const auto a = channel_affine(n, operand, 2, 1, g->columns, rw.context());
  if (!a) return no(rw, kNotChannels);
  if (takes_back(g->c, a->scale, a->shift)) return no(rw, kTakenBack);
  Value* b = linear.input(1);
  if (std::any_of(a->scale.begin(), a->scale.end(), [](double s) { return s != 1; })) {
    const auto factor = [&](std::int64_t r) { return a->scale[static_cast<std::size_t>(r)]; };
    b = finite_constant(rw, g->trans_b ? scale_rows(g->b, g->rows, factor) : scale_columns(g->b, a->scale), *b);
  }
  for (std::size_t i = 0; i < g->c.size(); ++i) g->c[i] = g->c[i] * a->scale[i] + a->shift[i];
  rw.consume(linear);
  rw.replace(n.output(), rebuild_gemm(rw, linear, linear.input(0), b, g->b.dtype(), g->c));
  return true;
}

// MatMul (x, W) or, with one factor for all, MatMul (W, x).
bool after_matmul(const Node& n, std::size_t operand, const Node& linear, Rewriter& rw) {
  const std::size_t side = weight_of(linear.input(1), rw.context()) ? 1 : 0;
  const Tensor* w = weight_of(linear.input(side), rw.context());
  const Type& out = linear.output()->type;
  if (!w || w->rank() < 2 || w->size() == 0) return no(rw, kNotConstant);
  if (!out.has_rank() || out.rank() < 1) return no(rw, "the rank is not known");
  if (side == 0) {
    const auto s = scalar_of(n.input(1 - operand), rw.context());
    const bool fits = s && n.input(1 - operand)->constant()->rank() <= out.rank() && (n.is("Mul") || (n.is("Div") && operand == 0));
    if (!fits) return no(rw, kNotChannels);
    const double factor = n.is("Mul") ? *s : 1 / *s;
    Value* scaled = finite_constant(rw, scale_rows(*w, w->size(), [&](std::int64_t) { return factor; }), *linear.input(0));
    rw.consume(linear);
    rw.replace(n.output(), rw.op("MatMul", {scaled, linear.input(1)}));
    return true;
  }
  const std::int64_t columns = w->dims().back();
  if (n.is("BatchNormalization") && out.rank() != 2) return no(rw, kNotChannels);
  const auto a = channel_affine(n, operand, out.rank(), out.rank() - 1, columns, rw.context());
  if (!a) return no(rw, kNotChannels);
  const bool scales = std::any_of(a->scale.begin(), a->scale.end(), [](double s) { return s != 1; });
  if (!scales) return no(rw, "the weights stay as they are");
  Value* scaled = finite_constant(rw, scale_columns(*w, a->scale), *linear.input(1));
  rw.consume(linear);
  Value* y = rw.op("MatMul", {linear.input(0), scaled});
  if (a->shifts()) {
    const Tensor shift = from_doubles(w->dtype(), {columns}, a->shift);
    if (!shift) rw.abandon(kNotFinite);
    y = rw.op("Add", {y, rw.constant(shift, linear.input(1)->name() + "_bias")});
  }
  rw.replace(n.output(), y);
  return true;
}

// (x * W + b) * s = x * (W * s) + b * s: `n` scales, `add` is the Add of a bias to a MatMul.
bool after_matmul_add(const Node& n, std::size_t operand, const Node& add, Rewriter& rw) {
  for (std::size_t i = 0; i < 2; ++i) {
    const Value* product = add.input(i);
    const Tensor* bias = weight_of(add.input(1 - i), rw.context());
    if (!bias || !product || !product->producer() || !product->producer()->is("MatMul") || !product->used_once()) continue;
    const Node& linear = *product->producer();
    const Tensor* w = weight_of(linear.input(1), rw.context());
    if (!w || w->rank() < 2 || w->size() == 0 || !product->type.has_rank() || product->type.rank() < 1) continue;
    const std::int64_t rank = product->type.rank(), columns = w->dims().back();
    const auto b = channel_values(*bias, rank, rank - 1, columns);
    const auto a = channel_affine(n, operand, rank, rank - 1, columns, rw.context());
    if (!b || !a || n.is("BatchNormalization")) return no(rw, kNotChannels);
    if (takes_back(*b, a->scale, a->shift)) return no(rw, kTakenBack);
    std::vector<double> shifted(b->size());
    for (std::size_t c = 0; c < shifted.size(); ++c) shifted[c] = (*b)[c] * a->scale[c] + a->shift[c];
    const bool scales = std::any_of(a->scale.begin(), a->scale.end(), [](double s) { return s != 1; });
    const Tensor new_bias = from_doubles(w->dtype(), {columns}, shifted);
    if (!new_bias) rw.abandon(kNotFinite);
    Value* weight = scales ? finite_constant(rw, scale_columns(*w, a->scale), *linear.input(1)) : linear.input(1);
    rw.consume(linear);
    rw.consume(add);
    rw.replace(n.output(), rw.op("Add", {rw.op("MatMul", {linear.input(0), weight}), rw.constant(new_bias, add.input(1 - i)->name())}));
    return true;
  }
  return false;
}

// Runtimes recognise Gelu and LayerNormalization by their nodes where the opset has no such operator. Taking the last scale or shift into the next
// weights would hide them, and cost more than the node saves.
bool ends_known_group(const Node& n, std::size_t operand) {
  const Node* p = n.input(operand)->producer();
  if (!p) return false;
  // Some input of `node` is made by one of `ops`, of which `then` holds.
  const auto some = [](const Node& node, std::initializer_list<std::string_view> ops, auto&& then) {
    for (const Value* v : node.inputs())
      for (std::string_view op : ops)
        if (v && v->producer() && v->producer()->is(op) && then(*v->producer())) return true;
    return false;
  };
  const auto any = [](const Node&) { return true; };
  const auto one_plus_erf = [&](const Node& add) { return some(add, {"Erf", "Tanh"}, any); };
  const auto normalized = [&](const Node& scaled) { return some(scaled, {"Sqrt", "Reciprocal", "Div"}, any); };
  if (p->is("Mul") && some(*p, {"Add"}, one_plus_erf)) return true;
  if (n.is("Add") && p->is("Mul") && some(*p, {"Div", "Mul"}, normalized)) return true;
  return (p->is("Div") || p->is("Mul")) && normalized(*p);
}

// Where `x` has the channels itself, so that the constant does not broadcast it.
bool has_channels(const Value& x, std::int64_t rank, std::int64_t axis, std::int64_t channels) {
  return x.type.has_rank() && x.type.rank() == rank && (*x.type.shape)[static_cast<std::size_t>(axis)].is(channels);
}

bool unpadded(const Node& conv) {
  const std::string auto_pad = conv.attr<std::string>("auto_pad");
  if (auto_pad == "VALID") return true;
  const Ints pads = conv.attr_or<Ints>("pads", {});
  return auto_pad == "NOTSET" && std::all_of(pads.begin(), pads.end(), [](std::int64_t p) { return p == 0; });
}

bool before_conv(const Node& n, const Node& arithmetic, std::size_t operand, Rewriter& rw) {
  const auto conv = const_conv(n, rw.context());
  if (!conv) return no(rw, kNotConstant);
  Value* x = arithmetic.input(operand);
  if (!has_channels(*x, conv->rank(), 1, conv->in_channels)) return no(rw, kNotInputChannels);
  const auto a = channel_affine(arithmetic, operand, conv->rank(), 1, conv->in_channels, rw.context());
  if (!a) return no(rw, kNotInputChannels);
  // Padding adds zeros behind the shift; a ConvTranspose does not use every tap at every place.
  if (a->shifts() && (conv->transposed || !unpadded(n))) return no(rw, "a shift in front of padding");
  std::vector<double> bias = conv->bias();
  if (a->shifts()) {
    const std::vector<double> more = conv->response(a->shift);
    for (std::size_t c = 0; c < bias.size(); ++c) bias[c] += more[c];
  }
  const bool scales = std::any_of(a->scale.begin(), a->scale.end(), [](double s) { return s != 1; });
  rw.consume(arithmetic);
  rw.replace(n.output(), rebuild_conv(rw, *conv, x, scales ? conv->scale_inputs(a->scale) : conv->w, bias));
  return true;
}

// One factor, or one a row of the weights: W[k, :] * s[k].
bool before_matmul(const Node& n, const Node& arithmetic, std::size_t operand, Rewriter& rw) {
  const bool gemm = n.is("Gemm");
  const Tensor* w = weight_of(n.input(1), rw.context());
  if (!w || w->rank() < 2 || w->size() == 0) return no(rw, kNotConstant);
  if (gemm && n.attr<std::int64_t>("transA") != 0) return no(rw, "A is transposed");
  if (!arithmetic.is("Mul") && !arithmetic.is("Div")) return no(rw, "only a scale goes into the weights");
  Value* x = arithmetic.input(operand);
  const bool trans_b = gemm && n.attr<std::int64_t>("transB") != 0;
  const std::int64_t rows = w->dims()[w->dims().size() - (trans_b ? 1 : 2)], columns = w->dims()[w->dims().size() - (trans_b ? 2 : 1)];
  if (!x->type.has_rank() || x->type.rank() < 1 || !has_channels(*x, x->type.rank(), x->type.rank() - 1, rows)) return no(rw, kNotInputChannels);
  if (x->type.rank() == 1 && w->rank() > 2) return no(rw, kNotInputChannels);
  const auto a = channel_affine(arithmetic, operand, x->type.rank(), x->type.rank() - 1, rows, rw.context());
  if (!a) return no(rw, kNotInputChannels);
  Tensor scaled =
      trans_b ? scale_columns(*w, a->scale) : scale_rows(*w, columns, [&](std::int64_t r) { return a->scale[static_cast<std::size_t>(r % rows)]; });
  std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
  in[0] = x;
  in[1] = finite_constant(rw, scaled, *n.input(1));
  rw.consume(arithmetic);
  rw.replace(n.output(), rw.op(n.op().name, std::move(in), n.attrs()));
  return true;
}

}  // namespace

bool absorb_after(const Node& n, std::string_view linear, Rewriter& rw) {
  for (std::size_t operand = 0; operand < std::min<std::size_t>(2, n.inputs().size()); ++operand) {
    const Value* v = n.input(operand);
    const Node* p = v ? v->producer() : nullptr;
    const bool biased = p && p->is("Add") && linear == "MatMul";
    if (!p || (!p->is(linear) && !biased) || p->kept || !may_be_affine(n, operand, rw.context())) continue;
    if (!v->used_once()) return no(rw, "its result has another reader");
    const DType t = v->type.dtype;
    if (biased && (n.is("Add") || n.is("Sub")) && t != DType::float32 && t != DType::float64)
      return no(rw, "x + b - c rounds x in a narrow type, and may be meant to");
    if (biased) return after_matmul_add(n, operand, *p, rw);
    if (linear == "Gemm") return after_gemm(n, operand, *p, rw);
    if (linear == "MatMul") return after_matmul(n, operand, *p, rw);
    return after_conv(n, operand, *p, rw);
  }
  return false;
}

bool absorb_before(const Node& n, Rewriter& rw) {
  const Value* v = n.input(0);
  const Node* p = v ? v->producer() : nullptr;
  if (!p || p->kept || !weight_of(n.input(1), rw.context())) return false;
  for (std::size_t operand = 0; operand < 2; ++operand) {
    if (!p->input(operand) || !may_be_affine(*p, operand, rw.context())) continue;
    if (!v->used_once()) return no(rw, "the scaled value has another reader");
    if (ends_known_group(*p, operand)) return no(rw, "runtimes know the group of nodes that ends here");
    return n.is("Conv") || n.is("ConvTranspose") ? before_conv(n, *p, operand, rw) : before_matmul(n, *p, operand, rw);
  }
  return false;
}

namespace {

// A constant of the linear node times its factors; null: not constant, or not finite. `scaled`: empty where it does not fit.
template <class F>
Value* scaled_constant(const Value* old, Rewriter& rw, F scaled) {
  const Tensor* t = weight_of(old, rw.context());
  const Tensor r = t && t->size() > 0 ? scaled(*t) : Tensor();
  return r ? rw.constant(r, old->name()) : nullptr;
}

// `weights` and `bias` give the new constants; `weights` knows whether they are transposed.
template <class F, class G>
Value* scaled_linear(Value* v, Rewriter& rw, F weights, G bias) {
  const Node* p = v->producer();
  if (!p || p->kept) return nullptr;
  if (p->is("MatMul")) {
    Value* w = scaled_constant(p->input(1), rw, [&](const Tensor& t) { return weights(t, false); });
    return w ? rw.op("MatMul", {p->input(0), w}) : nullptr;
  }
  if (p->is("Gemm")) {
    if (p->input(2) && !weight_of(p->input(2), rw.context())) return nullptr;
    Value* w = scaled_constant(p->input(1), rw, [&](const Tensor& t) { return weights(t, p->attr<std::int64_t>("transB") != 0); });
    Value* c = p->input(2) ? scaled_constant(p->input(2), rw, bias) : nullptr;
    return w && (c || !p->input(2)) ? rw.op("Gemm", {p->input(0), w, c}, p->attrs()) : nullptr;
  }
  if (!p->is("Add")) return nullptr;
  for (std::size_t i = 0; i < 2; ++i) {
    const Value* product = p->input(i);
    if (!product->producer() || !product->producer()->is("MatMul") || !product->used_once() || !weight_of(p->input(1 - i), rw.context())) continue;
    Value* w = scaled_constant(product->producer()->input(1), rw, [&](const Tensor& t) { return weights(t, false); });
    Value* b = w ? scaled_constant(p->input(1 - i), rw, bias) : nullptr;
    if (b) return rw.op("Add", {rw.op("MatMul", {product->producer()->input(0), w}), b});
  }
  return nullptr;
}

}  // namespace

Value* scale_linear(Value* v, double s, Rewriter& rw) {
  if (!std::isfinite(s)) return nullptr;
  const auto times_s = [&](const Tensor& t) { return scale_rows(t, t.size(), [&](std::int64_t) { return s; }); };
  return scaled_linear(
      v, rw, [&](const Tensor& t, bool) { return times_s(t); }, times_s);
}

Value* scale_linear_columns(Value* v, std::span<const double> factors, Rewriter& rw) {
  if (!std::all_of(factors.begin(), factors.end(), [](double f) { return std::isfinite(f); })) return nullptr;
  const auto columns = static_cast<std::int64_t>(factors.size());
  const auto weights = [&](const Tensor& t, bool transposed) {
    if (t.rank() != 2 || t.dims()[transposed ? 0 : 1] != columns) return Tensor();
    return transposed ? scale_rows(t, t.dims()[1], [&](std::int64_t r) { return factors[static_cast<std::size_t>(r)]; }) : scale_columns(t, factors);
  };
  const auto bias = [&](const Tensor& t) { return t.rank() == 1 && t.size() == columns ? scale_columns(t, factors) : Tensor(); };
  return scaled_linear(v, rw, weights, bias);
}

}  // namespace onnxopt
