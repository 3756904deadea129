// Operators of opsets 15 to 28 that are short texts of older ones.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

bool any_float(DType t) { return t == DType::float32 || t == DType::float64 || t == DType::float16 || t == DType::bfloat16; }

constexpr std::int64_t kMostMade = 65536;  // elements of a table

// The three cosine terms of a window.
struct Window {
  double a0, a1, a2;
};
Window window_of(const Node& n) {
  if (n.is("BlackmanWindow")) return {0.42, 0.5, 0.08};
  if (n.is("HammingWindow")) return {25.0 / 46.0, 21.0 / 46.0, 0};
  return {0.5, 0.5, 0};
}

}  // namespace

std::string swiglu(Expansion& e) {
  Value* gate = e.op("Swish", {e.in(0)}, {{"alpha", e.real("alpha", 1)}});
  e.result(0, e.mul(gate, e.in(1)));
  return "";
}

// a0 - a1 cos x + a2 cos 2x over one turn.
std::string window(Expansion& e) {
  const Window w = window_of(e.node());
  const bool periodic = e.integer("periodic", 1) != 0;
  const DType t = static_cast<DType>(e.integer("output_datatype", 1));
  if (const auto size = e.constant_ints(0); size && size->size() == 1 && size->front() >= 0 && size->front() <= kMostMade) {
    std::vector<float> table;
    const double turn = 2 * std::numbers::pi / static_cast<double>(periodic ? size->front() : size->front() - 1);
    for (std::int64_t i = 0; i < size->front(); ++i) {
      const double x = turn * static_cast<double>(i);
      table.push_back(static_cast<float>(w.a0 - w.a1 * std::cos(x) + w.a2 * std::cos(2 * x)));
    }
    std::vector<std::byte> bytes(table.size() * sizeof(float));
    std::copy_n(reinterpret_cast<const std::byte*>(table.data()), bytes.size(), bytes.data());
    e.result(0, e.op("Identity", {e.cast(e.tensor(Tensor::from_bytes(DType::float32, {size->front()}, std::move(bytes)), "window"), t)}));
    return "";
  }
  const auto f = [&](double v) { return e.scalar(DType::float32, v); };
  Value* size = e.cast(e.in(0), DType::int64);
  Value* length = e.cast(size, DType::float32);
  if (!periodic) length = e.sub(length, f(1));
  Value* steps = e.cast(e.op("Range", {e.index(0), size, e.index(1)}), DType::float32);
  Value* x = e.mul(steps, e.div(f(2 * std::numbers::pi), length));
  Value* y = e.sub(f(w.a0), e.mul(e.op("Cos", {x}), f(w.a1)));
  if (w.a2 != 0) y = e.add(y, e.mul(e.op("Cos", {e.mul(x, f(2))}), f(w.a2)));
  e.result(0, e.cast(y, t));
  return "";
}

// The update goes to consecutive places of the sequence axis, from write_indices[batch] on.
std::string tensor_scatter(Expansion& e) {
  const auto rank = e.rank(0);
  if (!rank || e.rank(1) != rank) return "the rank of the input is not known";
  std::int64_t axis = e.integer("axis", -2);
  axis += axis < 0 ? *rank : 0;
  if (axis < 1 || axis >= *rank) return "no decomposition: axis";
  Ints along(static_cast<std::size_t>(*rank), 1), batch = along;
  along[static_cast<std::size_t>(axis)] = -1;
  batch[0] = -1;
  Value* at = e.reshape(range(e, 0, dim_of(e, e.in(1), axis)), along);
  if (e.has(2)) at = e.add(at, e.reshape(e.cast(e.in(2), DType::int64), batch));
  if (e.text("mode", "linear") == "circular") {
    Value* most = vector_of(e, dim_of(e, e.in(0), axis));
    at = e.sub(at, e.mul(e.div(at, most), most));
  }
  at = e.op("Expand", {at, e.shape_value(e.in(1))});
  e.result(0, e.op("ScatterElements", {e.in(0), at, e.in(1)}, {{"axis", axis}}));
  return "";
}

// -weight[target] * input[n, target, ...]; ignored targets count nothing.
std::string negative_log_likelihood_loss(Expansion& e) {
  const DType t = e.dtype(0);
  if (!any_float(t)) return "the type of the input is not known";
  const bool ignores = e.node().attrs().has("ignore_index");
  const std::string reduction = e.text("reduction", "mean");
  Value* target = e.cast(e.in(1), DType::int64);
  Value* ignored = ignores ? e.op("Equal", {target, e.index(e.integer("ignore_index"))}) : nullptr;
  if (ignored) target = e.op("Where", {ignored, e.index(0), target});
  Value* loss = e.op("Neg", {e.squeeze(e.op("GatherElements", {e.in(0), e.unsqueeze(target, {1})}, {{"axis", std::int64_t{1}}}), {1})});
  Value* weight = e.has(2) ? e.op("Gather", {e.in(2), target}, {{"axis", std::int64_t{0}}}) : nullptr;
  if (weight) loss = e.mul(loss, weight);
  if (ignored) {
    loss = e.op("Where", {ignored, e.scalar(t, 0), loss});
    weight = weight ? e.op("Where", {ignored, e.scalar(t, 0), weight}) : e.cast(e.op("Not", {ignored}), t);
  }
  const auto all = [&](const char* op, Value* v) { return e.op(op, {v}, {{"keepdims", std::int64_t{0}}}); };
  if (reduction == "none") e.result(0, loss);
  else if (reduction == "sum") e.result(0, all("ReduceSum", loss));
  else e.result(0, weight ? e.div(all("ReduceSum", loss), all("ReduceSum", weight)) : all("ReduceMean", loss));
  return "";
}

std::string softmax_cross_entropy_loss(Expansion& e) {
  const bool known = e.rank(0).has_value();  // else everything behind the classes becomes one dim
  const std::string reduction = e.text("reduction", "mean");
  Value* log_prob = e.op("LogSoftmax", {known ? e.in(0) : e.reshape(e.in(0), {0, 0, -1})}, {{"axis", std::int64_t{1}}});
  Attrs attrs;
  for (const char* name : {"ignore_index"})
    if (e.node().attrs().has(name)) attrs.set(name, e.integer(name));
  attrs.set("reduction", reduction);
  Value* loss = e.op("NegativeLogLikelihoodLoss", {log_prob, known ? e.in(1) : e.reshape(e.in(1), {0, -1}), e.in(2)}, std::move(attrs));
  e.result(0, known || reduction != "none" ? loss : e.reshape_like(loss, e.in(1)));
  if (e.used(1)) e.result(1, known ? e.op("Identity", {log_prob}) : e.reshape_like(log_prob, e.in(0)));
  return "";
}

// mode = CRD came with opset 28: the inverse of DepthToSpace in that mode.
std::string space_to_depth(Expansion& e) {
  if (e.text("mode", "DCR") != "CRD") return kOtherReason;
  const std::int64_t r = e.integer("blocksize", 0);
  if (e.rank(0) != 4 || r <= 0 || r > 1 << 30) return "the shape of the input is not known";
  std::vector<Index> d = dims_of(e, e.in(0));
  const auto cut = [&](const Index& i) { return i.number ? Index(*i.number / r) : Index(e.div(i.value, e.ints({r}, "index"))); };
  const Index h = cut(d[2]), w = cut(d[3]);
  Value* x = e.op("Reshape", {e.in(0), vector_of(e, {d[0], d[1], h, Index(r), w, Index(r)})});
  x = e.transpose(x, {0, 1, 3, 5, 2, 4});
  e.result(0, e.op("Reshape", {x, vector_of(e, {d[0], mul(e, d[1], r * r), h, w})}));
  return "";
}

namespace {

// Of pixel i of d: from -1 to 1; runtimes have a single pixel at 1.
Value* between_corners(Expansion& e, Value* i, const Index& d, DType t) {
  const Index gaps = sub(e, d, 1), steps = max(e, gaps, 1);
  Value* first = e.sub(e.cast(vector_of(e, mul(e, sub(e, steps, gaps), 2)), t), e.scalar(t, 1));
  return e.add(e.div(e.mul(i, e.scalar(t, 2)), e.cast(vector_of(e, steps), t)), first);
}

}  // namespace

// Normalized coordinates of the pixels, times theta.
std::string affine_grid(Expansion& e) {
  const DType t = e.dtype(0);
  const Shape *theta = e.shape(0), *sizes = e.shape(1);
  std::int64_t n = 0;  // spatial dimensions
  if (theta && theta->size() == 3 && (*theta)[1].is_value()) n = (*theta)[1].value();
  else if (theta && theta->size() == 3 && (*theta)[2].is_value()) n = (*theta)[2].value() - 1;
  else if (sizes && sizes->size() == 1 && sizes->front().is_value()) n = sizes->front().value() - 2;
  if (!any_float(t) || n == 0) return "the shape of the input is not known";
  if (n != 2 && n != 3) return "no decomposition: theta";
  const bool corners = e.integer("align_corners", 0) != 0;
  std::vector<Index> size;
  for (std::int64_t k = 0; k < n; ++k) size.push_back(element(e, e.in(1), 2 + k));
  std::vector<Value*> parts;  // x first, as grids have it
  std::vector<Index> wide = size;
  wide.emplace_back(1);
  Value* shape = vector_of(e, wide);
  for (std::int64_t k = n - 1; k >= 0; --k) {
    const Index& d = size[static_cast<std::size_t>(k)];
    Value* i = e.cast(range(e, 0, d), t);
    Value* count = e.cast(vector_of(e, d), t);
    if (corners) i = between_corners(e, i, d, t);
    else i = e.sub(e.div(e.add(e.mul(i, e.scalar(t, 2)), e.scalar(t, 1)), count), e.scalar(t, 1));
    Ints dims(static_cast<std::size_t>(n) + 1, 1);
    dims[static_cast<std::size_t>(k)] = -1;
    parts.push_back(e.op("Expand", {e.reshape(i, dims), shape}));
  }
  parts.push_back(e.op("Expand", {e.reshape(e.scalar(t, 1), Ints(static_cast<std::size_t>(n) + 1, 1)), shape}));
  Value* base = e.transpose(e.reshape(e.concat(std::move(parts), n), {-1, n + 1}), {1, 0});
  Value* grid = e.transpose(e.op("MatMul", {e.in(0), base}), {0, 2, 1});
  std::vector<Index> to{dim_of(e, e.in(0), 0)};
  to.insert(to.end(), size.begin(), size.end());
  to.emplace_back(n);
  e.result(0, e.op("Reshape", {grid, vector_of(e, to)}));
  return "";
}

// The past stands in front of the input; zeros where there is none.
std::string causal_conv(Expansion& e) {
  const Shape* w = e.shape(1);
  if (!w || w->size() != 3 || !(*w)[0].is_value() || !(*w)[2].is_value()) return "the shape of the weight is not known";
  const std::int64_t channels = (*w)[0].value(), k = (*w)[2].value();
  const std::string activation = e.text("activation", "none");
  if (k < 1) return "no decomposition: a kernel of nothing";
  Value* x = e.in(0);
  if (e.has(3)) x = e.concat({e.in(3), x}, 2);
  else if (k > 1) x = e.op("Pad", {x, e.ints({0, 0, k - 1, 0, 0, 0}, "pads")});
  Value* y = e.op("Conv", {x, e.in(1), e.in(2)}, {{"group", channels}, {"kernel_shape", Ints{k}}});
  e.result(0, activation == "none" ? y : e.op("Swish", {y}));
  if (e.used(1)) e.result(1, k == 1 ? e.slice(x, 0, 0, 2) : e.slice(x, 1 - k, INT64_MAX, 2));
  return "";
}

// One is drawn where a uniform number is below the probability.
std::string bernoulli(Expansion& e) {
  const DType t = e.dtype(0);
  if (!any_float(t)) return "the type of the input is not known";
  Attrs attrs;
  if (e.node().attrs().has("seed")) attrs.set("seed", e.real("seed"));
  attrs.set("dtype", static_cast<std::int64_t>(t));
  Value* drawn = e.op("RandomUniformLike", {e.in(0)}, std::move(attrs));
  const std::int64_t to = e.integer("dtype", 0);
  e.result(0, e.op("Cast", {e.op("Less", {drawn, e.in(0)})}, {{"to", to != 0 ? to : static_cast<std::int64_t>(t)}}));
  return "";
}

// Since 18 it may be asked of what is no optional, and of nothing.
std::string optional_has_element(Expansion& e) {
  if (e.has(0) && e.in(0)->type.kind != Type::Kind::tensor && e.in(0)->type.kind != Type::Kind::sequence) return kOtherReason;
  e.result(0, e.op("Identity", {e.tensor(Tensor::scalar<bool>(e.has(0)), "has_element")}));
  return "";
}
std::string optional_get_element(Expansion& e) {
  if (!e.has(0) || (e.in(0)->type.kind != Type::Kind::tensor && e.in(0)->type.kind != Type::Kind::sequence)) return kOtherReason;
  e.result(0, e.op("Identity", {e.in(0)}));
  return "";
}

// layout = 1 (batch first) came with opset 14.
std::string recurrent(Expansion& e) {
  if (e.integer("layout", 0) != 1) return kOtherReason;
  Attrs attrs = e.node().attrs();
  attrs.remove("layout");
  std::vector<Value*> inputs(e.node().inputs().begin(), e.node().inputs().end());
  const bool lstm = e.node().is("LSTM");
  for (const std::size_t i : {std::size_t{0}, std::size_t{5}, std::size_t{6}})
    if (i < inputs.size() && inputs[i] && (i < 6 || lstm)) inputs[i] = e.transpose(inputs[i], {1, 0, 2});
  Node& n = e.make(e.node().op().name, std::move(inputs), std::move(attrs), e.node().outputs().size());
  for (std::size_t i = 0; i < n.outputs().size(); ++i)
    if (e.node().output(i)) e.result(i, e.transpose(n.output(i), i == 0 ? Ints{2, 0, 1, 3} : Ints{1, 0, 2}));
  return "";
}

// The last of several extremes: the first one from behind.
std::string arg_extreme(Expansion& e) {
  if (e.integer("select_last_index", 0) == 0) return kOtherReason;
  const auto rank = e.rank(0);
  if (!rank || *rank == 0) return "the rank of the input is not known";
  std::int64_t axis = e.integer("axis", 0);
  axis += axis < 0 ? *rank : 0;
  const Index size = dim_of(e, e.in(0), axis);
  Value* turned =
      size.number ? e.op("Gather", {e.in(0), range(e, *size.number - 1, -1, -1)}, {{"axis", axis}}) : e.slice(e.in(0), -1, INT64_MIN, axis, -1);
  Attrs attrs = e.node().attrs();
  attrs.remove("select_last_index");
  Value* found = e.op(e.node().op().name, {turned}, std::move(attrs));
  Value* last = size.number ? e.index(*size.number - 1) : e.sub(e.squeeze(size.value, {0}), e.index(1));
  e.result(0, e.sub(last, found));
  return "";
}

// ceil_mode came with opset 10: the windows that hang over the end are those of a wider padding. Averages count no padding.
std::string pool(Expansion& e) {
  const Ints* kernel = e.integers("kernel_shape");
  const Shape* s = e.shape(0);
  const Ints* dilated = e.integers("dilations");
  const bool sums = !e.node().is("MaxPool"), dilates = dilated && std::ranges::any_of(*dilated, [](std::int64_t d) { return d != 1; });
  if (sums && (dilates || (e.integer("ceil_mode", 0) != 0 && (e.node().is("LpPool") || e.integer("count_include_pad", 0) != 0))))
    return pool_by_sums(e);
  if (!sums && ((dilates && e.opset() < 10) || (e.used(1) && e.opset() < 8))) return dilated_max_pool(e);
  if (e.integer("ceil_mode", 0) == 0 || e.text("auto_pad", "NOTSET") != "NOTSET") return kOtherReason;
  if (!kernel || !s || s->size() != kernel->size() + 2) return "the shape of the input is not known";
  const std::size_t n = kernel->size();
  const auto list = [&](std::string_view name, std::size_t size, std::int64_t otherwise) {
    const Ints* v = e.integers(name);
    return v && v->size() == size ? *v : Ints(size, otherwise);
  };
  const Ints strides = list("strides", n, 1), dilations = list("dilations", n, 1);
  Ints pads = list("pads", 2 * n, 0);
  for (std::size_t k = 0; k < n; ++k) {
    const std::int64_t window = ((*kernel)[k] - 1) * dilations[k] + 1;
    if (!(*s)[k + 2].is_value()) {  // rounding up is rounding down after almost a stride more; no window may begin behind the input
      pads[k + n] += strides[k] - 1;
      if (pads[k + n] >= (*kernel)[k]) return "no decomposition: ceil_mode with an unknown size";
      continue;
    }
    const std::int64_t in = (*s)[k + 2].value();
    const std::int64_t room = in + pads[k] + pads[k + n] - window;
    if (room < 0) return "no decomposition: a window wider than the input";
    std::int64_t out = (room + strides[k] - 1) / strides[k] + 1;
    if ((out - 1) * strides[k] >= in + pads[k]) --out;
    pads[k + n] = std::max<std::int64_t>(0, (out - 1) * strides[k] + window - in - pads[k]);
  }
  Attrs attrs = e.node().attrs();
  attrs.remove("ceil_mode");
  attrs.set("pads", pads);
  Node& p = e.make(e.node().op().name, {e.in(0)}, std::move(attrs), e.node().outputs().size());
  for (std::size_t i = 0; i < p.outputs().size(); ++i)
    if (e.node().output(i)) e.result(i, p.output(i));
  return "";
}

}  // namespace onnxopt::expand_fn
