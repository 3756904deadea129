// QuantizeLinear, DequantizeLinear and quantized matrix products of ai.onnx.
#include "ir/ops/infer_families.h"
#include "ir/ops/infer_matmul.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

DType output_dtype_attr(const InferCtx& ctx) {
  const std::int64_t number = ctx.attr_or<std::int64_t>("output_dtype", 0);
  return is_known_dtype(number) ? static_cast<DType>(number) : DType::undefined;
}

}  // namespace

// The zero point's type, else output_dtype, else uint8.
void quantize_linear(InferCtx& ctx) {
  DType t = ctx.has_input(2) ? ctx.input_dtype(2) : output_dtype_attr(ctx);
  if (t == DType::undefined && !ctx.has_input(2)) t = DType::uint8;
  ctx.set_tensor(0, t, copy_shape(ctx, 0));
}

void dequantize_linear(InferCtx& ctx) {
  DType t = output_dtype_attr(ctx);
  if (t == DType::undefined) t = ctx.since() < 19 && ctx.node().op().domain.empty() ? DType::float32 : ctx.input_dtype(1);
  ctx.set_tensor(0, t, copy_shape(ctx, 0));
}

void dynamic_quantize_linear(InferCtx& ctx) {
  ctx.set_tensor(0, DType::uint8, copy_shape(ctx, 0));
  ctx.set_tensor(1, DType::float32, Shape{});
  ctx.set_tensor(2, DType::uint8, Shape{});
}

void qlinear_matmul(InferCtx& ctx) { ctx.set_tensor(0, ctx.input_dtype(7), matmul_shape(ctx, 0, 3)); }

}  // namespace onnxopt::infer_fn
