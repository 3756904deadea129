// Quantized operators: in the QDQ form, or as the standard integer products.
#include <algorithm>

#include "passes/lower/lower.h"

namespace onnxopt::lowering {

using std::int64_t;

namespace {

// One number as a scalar, whatever its shape.
Value* scalar_of(Expansion& e, Value* v) {
  const Shape* s = Expansion::shape_of(v);
  if (!v || (s && s->empty())) return v;
  if (const Tensor* c = v->constant(); c && c->size() == 1) return e.tensor(c->reshaped({}));
  return e.op("Reshape", {v, e.tensor(Tensor::int64s({}))});
}
Value* zero_of(Expansion& e, DType t) { return e.cast(e.tensor(Tensor::scalar<std::int8_t>(0)), t); }

Value* dequantize(Expansion& e, std::size_t x, std::size_t scale, std::size_t zero) {
  return e.op("DequantizeLinear", {e.in(x), scalar_of(e, e.in(scale)), scalar_of(e, e.in(zero))});
}
Value* quantize(Expansion& e, Value* y, DType t, std::size_t scale, std::size_t zero) {
  return e.op("QuantizeLinear", {y, scalar_of(e, e.in(scale)), e.has(zero) ? scalar_of(e, e.in(zero)) : zero_of(e, t)});
}
std::string needs_type(Expansion& e, std::size_t i) {
  return e.dtype(i) == DType::uint8 || e.dtype(i) == DType::int8 ? "" : "type: not uint8 or int8, or not known";
}

std::string binary(Expansion& e, std::string_view op) {
  if (std::string why = needs_type(e, 0); !why.empty()) return why;
  return e.result(0, quantize(e, e.op(op, {dequantize(e, 0, 1, 2), dequantize(e, 3, 4, 5)}), e.dtype(), 6, 7)), "";
}
std::string unary(Expansion& e, std::string_view op, Attrs attrs) {
  if (std::string why = needs_type(e, 0); !why.empty()) return why;
  return e.result(0, quantize(e, e.op(op, {dequantize(e, 0, 1, 2)}, std::move(attrs)), e.dtype(), 3, 4)), "";
}

Attrs without_layout(const Expansion& e) {
  Attrs a = e.node().attrs();
  a.remove("channels_last");
  return a;
}
std::string pool(Expansion& e, std::string_view op, Attrs attrs) {
  if (std::string why = needs_type(e, 0); !why.empty()) return why;
  const bool last = e.integer("channels_last") != 0;
  const auto rank = e.rank(0);
  if (last && !rank) return "type: the rank is not known";
  Value* x = dequantize(e, 0, 1, 2);
  if (last) x = e.transpose(x, to_channels_first(*rank));
  Value* y = quantize(e, e.op(op, {x}, std::move(attrs)), e.dtype(), 3, 4);
  return e.result(0, last ? e.transpose(y, to_channels_last(*rank)) : y), "";
}

}  // namespace

std::string qlinear_add(Expansion& e) { return binary(e, "Add"); }
std::string qlinear_mul(Expansion& e) { return binary(e, "Mul"); }
std::string qlinear_leaky_relu(Expansion& e) { return unary(e, "LeakyRelu", e.node().attrs()); }
std::string qlinear_sigmoid(Expansion& e) { return unary(e, "Sigmoid", {}); }
std::string qlinear_average_pool(Expansion& e) { return pool(e, "AveragePool", without_layout(e)); }
std::string qlinear_global_average_pool(Expansion& e) { return pool(e, "GlobalAveragePool", {}); }

std::string qlinear_softmax(Expansion& e) {
  if (std::string why = needs_type(e, 0); !why.empty()) return why;
  const bool flattens = e.integer("opset") < 13;
  const int64_t axis = e.integer("axis", flattens ? 1 : -1);
  Value* x = dequantize(e, 0, 1, 2);
  if (!flattens) return e.result(0, quantize(e, e.op("Softmax", {x}, {{"axis", axis}}), e.dtype(), 3, 4)), "";
  Value* y = e.op("Softmax", {e.op("Flatten", {x}, {{"axis", axis}})}, {{"axis", int64_t{-1}}});
  return e.result(0, quantize(e, e.reshape_like(y, e.in(0)), e.dtype(), 3, 4)), "";
}

std::string qlinear_reduce_mean(Expansion& e) {
  if (std::string why = needs_type(e, 0); !why.empty()) return why;
  const Ints* axes = e.integers("axes");
  Value* y = e.op("ReduceMean", {dequantize(e, 0, 1, 2), axes ? e.ints(*axes, "axes") : nullptr}, {{"keepdims", e.integer("keepdims", 1)}});
  return e.result(0, quantize(e, y, e.dtype(), 3, 4)), "";
}

std::string qlinear_where(Expansion& e) {
  if (std::string why = needs_type(e, 1); !why.empty()) return why;
  return e.result(0, quantize(e, e.op("Where", {e.in(0), dequantize(e, 1, 2, 3), dequantize(e, 4, 5, 6)}), e.dtype(1), 7, 8)), "";
}

std::string qlinear_concat(Expansion& e) {
  if (std::string why = needs_type(e, 2); !why.empty()) return why;
  std::vector<Value*> parts;
  for (std::size_t i = 2; i + 2 < e.node().inputs().size(); i += 3) parts.push_back(dequantize(e, i, i + 1, i + 2));
  return e.result(0, quantize(e, e.op("Concat", std::move(parts), e.node().attrs()), e.dtype(2), 0, 1)), "";
}

std::string qlinear_conv(Expansion& e) {
  const bool last = e.integer("channels_last") != 0;
  const auto rank = e.rank(0);
  if (last && !rank) return "type: the rank is not known";
  std::vector<Value*> in(e.node().inputs().begin(), e.node().inputs().end());
  if (last) in[0] = e.transpose(in[0], to_channels_first(*rank));
  Value* y = e.op("QLinearConv", std::move(in), without_layout(e));
  return e.result(0, last ? e.transpose(y, to_channels_last(*rank)) : y), "";
}

namespace {

// Integer sums to floats: times the scales, plus the bias.
Value* scaled(Expansion& e, Value* sums, Value* scale, Value* bias) {
  Value* y = e.mul(e.cast(sums, Expansion::dtype_of_value(scale)), scale);
  return bias ? e.add(y, bias) : y;
}

}  // namespace

std::string matmul_integer_to_float(Expansion& e) {
  if (e.dtype(2) == DType::undefined) return "type: the element type is not known";
  Value* sums = e.op("MatMulInteger", {e.in(0), e.in(1), scalar_of(e, e.in(4)), e.in(5)});
  return e.result(0, scaled(e, sums, e.mul(e.in(2), e.in(3)), e.in(6))), "";
}
std::string dynamic_quantize_matmul(Expansion& e) {
  if (e.dtype() == DType::undefined) return "type: the element type is not known";
  Node& q = e.make("DynamicQuantizeLinear", {e.in(0)}, {}, 3);
  const Shape* zero = e.shape(3);
  Value* b_zero = zero && zero->size() == 1 && (*zero)[0].is(1) ? scalar_of(e, e.in(3)) : e.in(3);
  Value* sums = e.op("MatMulInteger", {q.output(0), e.in(1), q.output(2), b_zero});
  return e.result(0, scaled(e, sums, e.mul(q.output(1), e.in(2)), e.in(4))), "";
}

std::string qgemm(Expansion& e) {
  if (std::string why = needs_type(e, 0); !why.empty()) return why;
  const bool ta = e.integer("transA") != 0, tb = e.integer("transB") != 0;
  const Shape* scales = e.shape(4);
  if (!scales) return "type: the shape of the scale is not known";
  const bool columns = !scales->empty() && !(*scales)[0].is(1);
  Value* b = columns ? e.op("DequantizeLinear", {e.in(3), e.in(4), e.in(5)}, {{"axis", int64_t{tb ? 0 : 1}}}) : dequantize(e, 3, 4, 5);
  const float alpha = e.real("alpha", 1);
  Value* c = e.has(6) ? e.mul(e.cast(e.in(6), DType::float32), e.mul(scalar_of(e, e.in(1)), e.in(4))) : nullptr;
  Value* y = e.op("Gemm", {dequantize(e, 0, 1, 2), b, c}, {{"alpha", alpha}, {"beta", alpha}, {"transA", int64_t{ta}}, {"transB", int64_t{tb}}});
  return e.result(0, e.has(7) ? quantize(e, y, e.dtype(8), 7, 8) : y), "";
}

std::string quantize_linear(Expansion& e) {
  return e.result(0, e.op("QuantizeLinear", {e.in(0), e.in(1), e.in(2)}, {{"axis", e.integer("axis", 1)}})), "";
}
std::string dequantize_linear(Expansion& e) {
  return e.result(0, e.op("DequantizeLinear", {e.in(0), e.in(1), e.in(2)}, {{"axis", e.integer("axis", 1)}})), "";
}

}  // namespace onnxopt::lowering
