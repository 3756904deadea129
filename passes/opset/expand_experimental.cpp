// Experimental operators of opset 1, which opset 10 took away.
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

bool plain_float(DType t) { return t == DType::float32 || t == DType::float64 || t == DType::float16; }
constexpr const char* kUntyped = "the type of the input is not known";

// alpha * function(beta * x).
std::string scaled(Expansion& e, const char* function) {
  const DType t = e.dtype(0);
  if (!plain_float(t)) return kUntyped;
  if (!e.node().attrs().has("alpha") || !e.node().attrs().has("beta")) return "no decomposition: alpha and beta have no defaults";
  Value* y = e.op(function, {e.mul(e.in(0), e.scalar(t, e.real("beta")))});
  e.result(0, e.mul(y, e.scalar(t, e.real("alpha"))));
  return "";
}

}  // namespace

std::string scale(Expansion& e) {
  const DType t = e.dtype(0);
  if (!plain_float(t)) return kUntyped;
  e.result(0, e.mul(e.in(0), e.scalar(t, e.real("scale", 1))));
  return "";
}

std::string scaled_tanh(Expansion& e) { return scaled(e, "Tanh"); }

// alpha * log(1 + exp(beta * x)).
std::string parametric_softplus(Expansion& e) { return scaled(e, "Softplus"); }

// Slice with computed bounds, before its name. Without axes: the leading ones.
std::string dynamic_slice(Expansion& e) {
  e.result(0, e.op("Slice", {e.in(0), e.in(1), e.in(2), e.in(3)}));
  return "";
}

// Stored values in the shape of an attribute or, with input_as_shape, of the input's elements; extra_shape is appended to the latter.
std::string given_tensor_fill(Expansion& e) {
  const Floats* values = e.node().attrs().get<Floats>("values");
  if (!values) return "no decomposition: no values";
  const auto count = static_cast<std::int64_t>(values->size());
  Value* flat = e.tensor(Tensor::of<float>({count}, *values), "values");
  if (!e.has(0)) {
    const Ints* shape = e.integers("shape");
    e.result(0, e.reshape(flat, shape ? *shape : Ints{}));
    return "";
  }
  Value* shape = e.integer("input_as_shape", 0) != 0 ? e.cast(e.in(0), DType::int64) : e.shape_value(e.in(0));
  if (const Ints* extra = e.integers("extra_shape"); extra && !extra->empty()) shape = e.concat({shape, e.ints(*extra)}, 0);
  e.result(0, e.op("Reshape", {flat, shape}));
  return "";
}

}  // namespace onnxopt::expand_fn
