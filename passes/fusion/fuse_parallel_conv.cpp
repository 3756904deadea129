#include <algorithm>

#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

// A Conv with explicit geometry, or (node null) x times one constant a channel plus another: a BatchNormalization, a Mul, or x itself.
struct Term {
  ConstConv conv;
  Ints kernel, strides, dilations, pads;
  const Node* node = nullptr;  // what this rewrite takes away; null for x itself
  Value* x = nullptr;
  ChannelAffine affine;  // not for a Conv
  bool is_conv = false;
};

std::optional<Term> conv_term(const Value* v, const PassContext& ctx) {
  const Node* n = v->producer();
  if (!n || n->kept || !n->is("Conv") || !v->used_once()) return std::nullopt;
  Term t;
  auto conv = const_conv(*n, ctx);
  if (!conv || n->attr<std::string>("auto_pad") != "NOTSET") return std::nullopt;
  t.conv = std::move(*conv);
  t.is_conv = true;
  t.node = n;
  t.x = n->input(0);
  const std::size_t spatial = static_cast<std::size_t>(t.conv.rank()) - 2;
  t.kernel.assign(t.conv.w.dims().begin() + 2, t.conv.w.dims().end());
  t.strides = n->attr_or<Ints>("strides", Ints(spatial, 1));
  t.dilations = n->attr_or<Ints>("dilations", Ints(spatial, 1));
  t.pads = n->attr_or<Ints>("pads", Ints(2 * spatial, 0));
  return t;
}

// x * s + t for the input x of `conv`: BatchNormalization (x), Mul (x, c), Add (x, c), or x.
std::optional<Term> affine_term(Value* v, const Term& conv, const PassContext& ctx) {
  Term t;
  t.x = conv.x;
  const std::int64_t channels = conv.conv.in_channels;
  if (v == conv.x) {
    t.affine.scale.assign(static_cast<std::size_t>(channels), 1.0);
    t.affine.shift.assign(static_cast<std::size_t>(channels), 0.0);
    return t;
  }
  const Node* n = v->producer();
  if (!n || n->kept) return std::nullopt;
  for (std::size_t operand = 0; operand < 2; ++operand) {
    if (n->input(operand) != conv.x || !may_be_affine(*n, operand, ctx)) continue;
    auto a = channel_affine(*n, operand, conv.conv.rank(), 1, channels, ctx);
    if (!a) return std::nullopt;
    t.affine = std::move(*a);
    t.node = n;
    return t;
  }
  return std::nullopt;
}

// How far the kernel of `small` lies inside that of `big`, per spatial axis; nullopt: the two do not see the same places.
std::optional<Ints> offsets(const Term& big, const Term& small) {
  Ints at;
  const std::size_t spatial = big.kernel.size();
  for (std::size_t i = 0; i < spatial; ++i) {
    if (big.strides[i] != small.strides[i]) return std::nullopt;
    const std::int64_t d = big.dilations[i], before = big.pads[i] - small.pads[i], after = big.pads[spatial + i] - small.pads[spatial + i];
    if (small.kernel[i] > 1 && small.dilations[i] != d) return std::nullopt;
    if (before < 0 || before % d != 0 || before + after != (big.kernel[i] - small.kernel[i]) * d || after < 0) return std::nullopt;
    at.push_back(before / d);
  }
  return at;
}

// big += small, taps shifted by `at`; both [rows, taps], row-major taps.
void add_kernel(std::vector<double>& big, const std::vector<double>& small, const Term& b, const Term& s, const Ints& at) {
  const auto taps = static_cast<std::size_t>(s.conv.kernel), big_taps = static_cast<std::size_t>(b.conv.kernel), rows = small.size() / taps;
  for (std::size_t tap = 0; tap < taps; ++tap) {
    std::int64_t rest = static_cast<std::int64_t>(tap), where = 0, stride = 1;
    for (std::size_t i = s.kernel.size(); i-- > 0;) {
      where += (rest % s.kernel[i] + at[i]) * stride;
      rest /= s.kernel[i];
      stride *= b.kernel[i];
    }
    for (std::size_t r = 0; r < rows; ++r) big[r * big_taps + static_cast<std::size_t>(where)] += small[r * taps + tap];
  }
}

bool join(const Node& n, const Term& big, const std::vector<double>& w, const std::vector<double>& bias, Rewriter& rw) {
  rw.replace(n.output(), rebuild_conv(rw, big.conv, big.x, from_doubles(big.conv.w.dtype(), big.conv.w.dims(), w), bias));
  return true;
}

void negate(std::vector<double>& v) {
  for (double& x : v) x = -x;
}

bool join_convs(const Node& n, const Term& a, const Term& b, Rewriter& rw) {
  if (a.x != b.x || a.conv.group != b.conv.group || a.conv.out_channels != b.conv.out_channels || a.conv.w.dtype() != b.conv.w.dtype() ||
      a.conv.w.rank() != b.conv.w.rank() || a.conv.w.dims()[1] != b.conv.w.dims()[1])
    return rw.give_up("the two do not read the same input in the same groups"), false;
  const bool a_big = a.conv.kernel >= b.conv.kernel;
  const Term &big = a_big ? a : b, &small = a_big ? b : a;
  const auto at = offsets(big, small);
  if (!at) return rw.give_up("the kernels do not see the same places"), false;
  std::vector<double> w = to_doubles(big.conv.w), bias = big.conv.bias(), other = to_doubles(small.conv.w), more = small.conv.bias();
  if (n.is("Sub")) {  // a - b
    negate(a_big ? other : w);
    negate(a_big ? more : bias);
  }
  add_kernel(w, other, big, small, *at);
  for (std::size_t c = 0; c < bias.size(); ++c) bias[c] += more[c];
  return join(n, big, w, bias, rw);
}

// The channel's own tap in the middle takes the scale.
bool join_affine(const Node& n, const Term& conv, bool conv_first, const Term& other, Rewriter& rw) {
  if (conv.conv.in_channels != conv.conv.out_channels) return rw.give_up("the Conv changes the number of channels"), false;
  Term one = conv;
  one.kernel.assign(conv.kernel.size(), 1);
  one.pads.assign(conv.pads.size(), 0);
  one.strides.assign(conv.strides.size(), 1);
  const auto at = offsets(conv, one);
  if (!at) return rw.give_up("the Conv does not see each place where it writes"), false;
  std::int64_t tap = 0;
  for (std::size_t i = 0; i < at->size(); ++i) tap = tap * conv.kernel[i] + (*at)[i];
  std::vector<double> w = to_doubles(conv.conv.w), bias = conv.conv.bias();
  const std::int64_t per_group = conv.conv.w.dims()[1];
  const double sign = n.is("Sub") && conv_first ? -1 : 1;  // of the other addend
  if (n.is("Sub") && !conv_first) {
    negate(w);
    negate(bias);
  }
  for (std::int64_t c = 0; c < conv.conv.out_channels; ++c) {
    const std::int64_t own = c % per_group;  // in = out: the c-th input is this one of its group
    w[static_cast<std::size_t>((c * per_group + own) * conv.conv.kernel + tap)] += sign * other.affine.scale[static_cast<std::size_t>(c)];
    bias[static_cast<std::size_t>(c)] += sign * other.affine.shift[static_cast<std::size_t>(c)];
  }
  return join(n, conv, w, bias, rw);
}

bool visit(const Node& n, Rewriter& rw) {
  if (!n.input(0)->producer() && !n.input(1)->producer()) return false;
  auto a = conv_term(n.input(0), rw.context()), b = conv_term(n.input(1), rw.context());
  if (a && b) {
    rw.consume(*a->node);
    rw.consume(*b->node);
    return join_convs(n, *a, *b, rw);
  }
  if (!a && !b) return false;
  const Term& conv = a ? *a : *b;
  Value* v = n.input(a ? 1 : 0);
  const Type& x = conv.x->type;
  if (!x.has_rank() || x.rank() != conv.conv.rank() || !(*x.shape)[1].is(conv.conv.in_channels)) return false;
  const auto other = affine_term(v, conv, rw.context());
  if (!other) return rw.give_up("the other addend is not the Conv's input, scaled"), false;
  rw.consume(*conv.node);
  if (other->node) rw.consume(*other->node);
  return join_affine(n, conv, a.has_value(), *other, rw);
}

}  // namespace

// y = Add (Conv (x, W1, b1), Conv (x, W2, b2))           ==>  y = Conv (x, W1 + W2, b1 + b2), the smaller kernel inside the larger one
// y = Add (Conv (x, W, b), BatchNormalization|Mul (x))   ==>  y = Conv (x, W + scale in the middle, b + shift);  also Add (Conv (x, W, b), x), and
// Sub The branches of RepVGG and MobileOne blocks. Same stride, dilation and groups; pads so that both see the same places.
NodeRule fuse_parallel_conv() {
  return {
      .name = "fuse-parallel-conv",
      .summary = "The sum of convolutions of one input, or of a Conv and its own input, to one Conv",
      .ops = "Add Sub",
      .level = Level::o2,
      .visit = visit,
  };
}

}  // namespace onnxopt
