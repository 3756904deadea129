// Activations, products and convolutions with something fused into them.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "passes/lower/lower.h"

namespace onnxopt::lowering {

using std::int64_t;

Value* exact_gelu(Expansion& e, Value* x) {
  if (e.opset() >= 20) return e.op("Gelu", {x});
  const DType t = Expansion::dtype_of_value(x);
  Value* erf = e.op("Erf", {e.div(x, e.scalar(t, std::sqrt(2.0)))});
  return e.mul(e.mul(x, e.add(erf, e.scalar(t, 1))), e.scalar(t, 0.5));
}
Value* tanh_gelu(Expansion& e, Value* x) {
  if (e.opset() >= 20) return e.op("Gelu", {x}, {{"approximate", std::string("tanh")}});
  const DType t = Expansion::dtype_of_value(x);
  Value* cube = e.mul(e.mul(e.mul(x, x), x), e.scalar(t, 0.044715));
  Value* tanh = e.op("Tanh", {e.mul(e.add(x, cube), e.scalar(t, 0.79788456080286535588))});
  return e.mul(e.mul(x, e.add(tanh, e.scalar(t, 1))), e.scalar(t, 0.5));
}

Value* activate(Expansion& e, Value* x, const std::string& name, const Floats& p) {
  const auto param = [&](std::size_t i, float otherwise) { return i < p.size() ? p[i] : otherwise; };
  const DType t = Expansion::dtype_of_value(x);
  if (name.empty()) return x;
  if (name == "Relu" || name == "Tanh" || name == "Sigmoid" || name == "Softplus" || name == "Softsign") return e.op(name, {x});
  if (name == "LeakyRelu") return e.op(name, {x}, {{"alpha", param(0, 0.01f)}});
  if (name == "Elu") return e.op(name, {x}, {{"alpha", param(0, 1)}});
  if (name == "ThresholdedRelu") return e.op(name, {x}, {{"alpha", param(0, 1)}});
  if (name == "HardSigmoid") return e.op(name, {x}, {{"alpha", param(0, 0.2f)}, {"beta", param(1, 0.5f)}});
  if (name == "Clip") return e.op(name, {x, p.empty() ? nullptr : e.scalar(t, p[0]), p.size() < 2 ? nullptr : e.scalar(t, p[1])});
  return nullptr;
}

Ints to_channels_first(int64_t rank) {
  Ints p(static_cast<std::size_t>(rank));
  std::iota(p.begin(), p.end(), 0);
  std::rotate(p.begin() + 1, p.end() - 1, p.end());
  return p;
}

Ints to_channels_last(int64_t rank) {
  Ints p(static_cast<std::size_t>(rank));
  std::iota(p.begin(), p.end(), 0);
  std::rotate(p.begin() + 1, p.begin() + 2, p.end());
  return p;
}

namespace {

bool is_plain_float(DType t) { return t == DType::float32 || t == DType::float64 || t == DType::float16 || t == DType::bfloat16; }
std::string needs_type(Expansion& e) { return is_plain_float(e.dtype()) ? "" : "type: the element type is not known"; }
Value* biased(Expansion& e, std::size_t bias) { return e.has(bias) ? e.add(e.in(0), e.in(bias)) : e.in(0); }

// Copies the attributes that the standard operator has.
Attrs attrs_for(const Expansion& e, std::initializer_list<std::string_view> names) {
  Attrs r;
  for (const Attribute& a : e.node().attrs())
    if (std::find(names.begin(), names.end(), a.name) != names.end()) r.add(a);
  return r;
}
Attrs conv_attrs(const Expansion& e) { return attrs_for(e, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}); }

// Conv, the sum with Z, the activation; `x` and Z channels first.
std::string conv_with(Expansion& e, Value* x, Value* z, Value*& y) {
  y = e.op("Conv", {x, e.in(1), e.in(2)}, conv_attrs(e));
  if (z) y = e.add(y, z);
  const Floats* params = e.node().attrs().get<Floats>("activation_params");
  const std::string name = e.text("activation");
  y = activate(e, y, name, params ? *params : Floats());
  return y ? "" : "the activation " + name + " is not known";
}

}  // namespace

std::string gelu(Expansion& e) {
  if (std::string why = needs_type(e); !why.empty()) return why;
  return e.result(0, exact_gelu(e, e.in(0))), "";
}
std::string bias_gelu(Expansion& e) {
  if (std::string why = needs_type(e); !why.empty()) return why;
  return e.result(0, exact_gelu(e, biased(e, 1))), "";
}
std::string fast_gelu(Expansion& e) {
  if (std::string why = needs_type(e); !why.empty()) return why;
  return e.result(0, tanh_gelu(e, biased(e, 1))), "";
}
std::string gemm_fast_gelu(Expansion& e) {
  if (std::string why = needs_type(e); !why.empty()) return why;
  Value* y = e.op("MatMul", {e.in(0), e.in(1)});
  return e.result(0, tanh_gelu(e, e.has(2) ? e.add(y, e.in(2)) : y)), "";
}
std::string quick_gelu(Expansion& e) {
  if (std::string why = needs_type(e); !why.empty()) return why;
  const float alpha = e.real("alpha", 1.702f);
  Value* inner = alpha == 1 ? e.in(0) : e.mul(e.in(0), e.scalar(e.dtype(), alpha));
  return e.result(0, e.mul(e.in(0), e.op("Sigmoid", {inner}))), "";
}
std::string bias_split_gelu(Expansion& e) {
  if (std::string why = needs_type(e); !why.empty()) return why;
  Node& halves = e.make("Split", {e.add(e.in(0), e.in(1))}, {{"axis", int64_t{-1}}, {"num_outputs", int64_t{2}}}, 2);
  return e.result(0, e.mul(halves.output(0), exact_gelu(e, halves.output(1)))), "";
}
std::string bias_add(Expansion& e) { return e.result(0, e.add(e.add(e.in(0), e.in(1)), e.in(2))), ""; }

std::string bias_softmax(Expansion& e) {
  const auto rank = e.rank(0);
  if (!rank) return "type: the rank is not known";
  int64_t axis = e.integer("axis", 1);
  if (axis < 0) axis += *rank;
  Value* sum = e.add(e.in(0), e.in(1));
  if (axis == *rank - 1) return e.result(0, e.op("Softmax", {sum}, {{"axis", int64_t{-1}}})), "";
  Value* flat = e.op("Softmax", {e.op("Flatten", {sum}, {{"axis", axis}})}, {{"axis", int64_t{-1}}});
  return e.result(0, e.reshape_like(flat, e.in(0))), "";
}

std::string fused_conv(Expansion& e) {
  Value* y = nullptr;
  if (std::string why = conv_with(e, e.in(0), e.in(3), y); !why.empty()) return why;
  return e.result(0, y), "";
}
std::string nhwc_conv(Expansion& e) {
  const auto rank = e.rank(0);
  const Shape* w = e.shape(1);
  const Ints* kernel = e.integers("kernel_shape");
  if (!rank || *rank < 3) return "type: the rank is not known";
  if (w && kernel)  // weights may also lie channels last there
    for (std::size_t i = 0; i + 2 < w->size() && i < kernel->size(); ++i)
      if ((*w)[i + 2].is_value() && (*w)[i + 2].value() != (*kernel)[i]) return "the weights lie channels last";
  Value* y = nullptr;
  Value* z = e.has(3) ? e.transpose(e.in(3), to_channels_first(*rank)) : nullptr;
  if (std::string why = conv_with(e, e.transpose(e.in(0), to_channels_first(*rank)), z, y); !why.empty()) return why;
  return e.result(0, e.transpose(y, to_channels_last(*rank))), "";
}
std::string nhwc_max_pool(Expansion& e) {
  const auto rank = e.rank(0);
  if (!rank || *rank < 3) return "type: the rank is not known";
  Value* y = e.op("MaxPool", {e.transpose(e.in(0), to_channels_first(*rank))},
                  attrs_for(e, {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "strides"}));
  return e.result(0, e.transpose(y, to_channels_last(*rank))), "";
}

std::string fused_gemm(Expansion& e) {
  Floats params;
  for (const char* name : {"activation_alpha", "activation_beta", "activation_gamma"})
    if (const float* v = e.node().attrs().get<float>(name)) params.push_back(*v);
  const std::string name = e.text("activation");
  Value* y = activate(e, e.op("Gemm", {e.in(0), e.in(1), e.in(2)}, attrs_for(e, {"alpha", "beta", "transA", "transB"})), name, params);
  if (!y) return "the activation " + name + " is not known";
  return e.result(0, y), "";
}

namespace {

// [M, batch..., K] to [batch..., M, K], then the last two swapped.
std::string arrange(Expansion& e, std::size_t i, bool trans, bool batch, Value*& out) {
  out = e.in(i);
  if (!trans && !batch) return "";
  const auto rank = e.rank(i);
  if (!rank) return "type: the rank is not known";
  if (*rank < 2) return "";
  Ints perm;
  for (int64_t d = 0; d < *rank; ++d) perm.push_back(d);
  if (batch) std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
  if (trans) std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  out = e.transpose(out, perm);
  return "";
}

}  // namespace

std::string fused_matmul(Expansion& e) {
  Value *a = nullptr, *b = nullptr;
  if (std::string why = arrange(e, 0, e.integer("transA") != 0, e.integer("transBatchA") != 0, a); !why.empty()) return why;
  if (std::string why = arrange(e, 1, e.integer("transB") != 0, e.integer("transBatchB") != 0, b); !why.empty()) return why;
  Value* y = e.op("MatMul", {a, b});
  if (const float alpha = e.real("alpha", 1); alpha != 1) {
    if (std::string why = needs_type(e); !why.empty()) return why;
    y = e.mul(y, e.scalar(e.dtype(), alpha));
  }
  return e.result(0, y), "";
}

// ---- operators that are a standard one in another form
std::string same_operator(Expansion& e) {
  std::vector<Value*> in(e.node().inputs().begin(), e.node().inputs().end());
  return e.result(0, e.op(e.node().op().name, std::move(in), e.node().attrs())), "";
}
std::string grid_sample(Expansion& e) {
  Attrs attrs = e.node().attrs();
  const std::string mode = e.text("mode", "bilinear");
  attrs.set("mode", mode == "bilinear" ? std::string("linear") : mode == "bicubic" ? std::string("cubic") : mode);
  return e.result(0, e.op("GridSample", {e.in(0), e.in(1)}, std::move(attrs))), "";
}
std::string range(Expansion& e) {
  const DType t = e.dtype();
  if (t == DType::undefined) return "type: the element type is not known";
  std::vector<Value*> in;
  for (std::size_t i = 0; i < 3; ++i) {
    Value* v = e.in(i);
    if (!v) v = e.cast(e.tensor(Tensor::scalar(1.0f)), t);
    else if (e.rank(i) != std::optional<int64_t>(0)) v = e.op("Reshape", {v, e.tensor(Tensor::int64s({}))});
    in.push_back(v);
  }
  return e.result(0, e.op("Range", in)), "";
}
std::string pad(Expansion& e) {
  Value* pads = e.rank(1) == std::optional<int64_t>(1) ? e.in(1) : e.reshape(e.in(1), {-1});
  Value* value = !e.has(2) || e.rank(2) == std::optional<int64_t>(0) ? e.in(2) : e.op("Reshape", {e.in(2), e.tensor(Tensor::int64s({}))});
  return e.result(0, e.op("Pad", {e.in(0), pads, value}, attrs_for(e, {"mode"}))), "";
}
std::string expand_dims(Expansion& e) {
  const auto axis = e.constant_ints(1);
  if (!axis || axis->size() != 1) return "non-constant operand: the axis";
  return e.result(0, e.unsqueeze(e.in(0), *axis)), "";
}
std::string sample_op(Expansion& e) { return e.result(0, e.op("Identity", {e.in(0)})), ""; }

// (a - b)^2 summed over the last dim, every row of A with every row of B.
std::string cdist(Expansion& e) {
  const std::string metric = e.text("metric", "sqeuclidean");
  if (metric != "sqeuclidean" && metric != "euclidean") return "the metric " + metric + " is not known";
  Value* d = e.sub(e.unsqueeze(e.in(0), {1}), e.unsqueeze(e.in(1), {0}));
  Value* sum = e.reduce("ReduceSumSquare", d, {2}, false);
  return e.result(0, metric == "euclidean" ? e.op("Sqrt", {sum}) : sum), "";
}

}  // namespace onnxopt::lowering
