// Activations that came later than their parts, and other operators with a one-line formula.
#include <cmath>

#include "passes/opset/expand_families.h"

namespace onnxopt::expand_fn {
namespace {

// Formulas with constants are computed in float where the type is narrower, as the specification's bodies and the runtimes do.
bool computable(DType t) { return t == DType::float32 || t == DType::float64 || t == DType::float16 || t == DType::bfloat16; }
DType work_type(DType t) { return t == DType::float64 ? t : DType::float32; }

constexpr const char* kType = "type: this operator of this type";

}  // namespace

std::string gelu(Expansion& e) {
  const DType t = e.dtype(0), w = work_type(t);
  if (!computable(t)) return kType;
  Value *x = e.cast(e.in(0), w), *inner;
  if (e.text("approximate", "none") == "tanh") {
    Value* cube = e.mul(e.mul(x, x), x);
    inner = e.op("Tanh", {e.mul(e.add(x, e.mul(cube, e.scalar(w, 0.044715))), e.scalar(w, std::sqrt(2.0 / M_PI)))});
  } else {
    inner = e.op("Erf", {e.div(x, e.scalar(w, std::sqrt(2.0)))});
  }
  e.result(0, e.cast(e.mul(e.mul(e.scalar(w, 0.5), x), e.add(inner, e.scalar(w, 1))), t));
  return "";
}

std::string hard_swish(Expansion& e) {
  Value* gate = e.op("HardSigmoid", {e.in(0)}, {{"alpha", 1.0f / 6.0f}, {"beta", 0.5f}});
  e.result(0, e.mul(e.in(0), gate));
  return "";
}

std::string mish(Expansion& e) {
  e.result(0, e.mul(e.in(0), e.op("Tanh", {e.op("Softplus", {e.in(0)})})));
  return "";
}

std::string swish(Expansion& e) {
  const DType t = e.dtype(0);
  if (!computable(t)) return kType;
  const float alpha = e.real("alpha", 1);
  Value* x = e.in(0);
  e.result(0, e.mul(x, e.op("Sigmoid", {alpha == 1.0f ? x : e.mul(x, e.scalar(t, alpha))})));
  return "";
}

std::string celu(Expansion& e) {
  const DType t = e.dtype(0), w = work_type(t);
  if (!computable(t)) return kType;
  const float alpha = e.real("alpha", 1);
  if (alpha == 0) return "no decomposition: alpha = 0";
  if (!(alpha > 0)) return "no decomposition: alpha below 0";  // Elu would take the other half
  Value* x = e.cast(e.in(0), w);
  Value* a = e.scalar(w, alpha);
  Value* y = alpha == 1.0f ? e.op("Elu", {x}, {{"alpha", 1.0f}}) : e.mul(e.op("Elu", {e.div(x, a)}, {{"alpha", 1.0f}}), a);
  e.result(0, e.cast(y, t));
  return "";
}

// x where x > alpha, else 0. Clip would change what is not finite, so a Where.
std::string thresholded_relu(Expansion& e) {
  const DType t = e.dtype(0);
  if (!computable(t)) return kType;
  Value* chosen = e.op("Greater", {e.in(0), e.scalar(t, e.real("alpha", 1))});
  e.result(0, e.op("Where", {chosen, e.in(0), e.scalar(t, 0)}));
  return "";
}

std::string shrink(Expansion& e) {
  const DType t = e.dtype(0);
  if (!computable(t)) return kType;
  const float lambda = e.real("lambd", 0.5f), bias = e.real("bias", 0);
  Value* x = e.in(0);
  Value* zero = e.scalar(t, 0);
  Value* high = e.op("Where", {e.op("Greater", {x, e.scalar(t, lambda)}), e.sub(x, e.scalar(t, bias)), zero});
  e.result(0, e.op("Where", {e.op("Less", {x, e.scalar(t, -lambda)}), e.add(x, e.scalar(t, bias)), high}));
  return "";
}

std::string cast_like(Expansion& e) {
  const DType to = e.dtype(1);
  if (to == DType::undefined) return "the type to cast to is not known";
  Attrs attrs;
  attrs.set("to", static_cast<std::int64_t>(to));
  for (const Attribute& a : e.node().attrs()) attrs.add(a);  // saturate, round_mode
  e.result(0, e.op("Cast", {e.in(0)}, std::move(attrs)));
  return "";
}

// Dropped after opset 10: x * scale + bias, one bias a channel of an image.
std::string image_scaler(Expansion& e) {
  const DType t = e.dtype(0);
  const auto* bias = e.node().attrs().get<Floats>("bias");
  if (!computable(t)) return kType;
  if (!bias) return "no decomposition: no bias";
  const Tensor b = Tensor::of<float>({static_cast<std::int64_t>(bias->size()), 1, 1}, *bias);
  e.result(0, e.add(e.mul(e.in(0), e.scalar(t, e.real("scale", 1))), e.cast(e.tensor(b, "bias"), t)));
  return "";
}

std::string relu(Expansion& e) {
  if (!is_integer(e.dtype(0))) return kOtherReason;
  e.result(0, e.op("Max", {e.in(0), e.scalar(e.dtype(0), 0)}));
  return "";
}

}  // namespace onnxopt::expand_fn
