// com.microsoft.nchwc: operators on ONNX Runtime's blocked layout (ir/ops/nchwc.h). Shapes count channels in whole blocks.
#include <algorithm>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {
namespace {

using namespace infer_util;

// The block's size is not known here, so channels are known only where either size gives the same.
void reorder_input(InferCtx& ctx) {
  OptShape out = copy_shape(ctx, 0);
  if (out && out->size() == 4) {
    if (ctx.attr_or<std::int64_t>("channels_last", 0) != 0) std::rotate(out->begin() + 1, out->end() - 1, out->end());
    Dim& c = (*out)[1];
    if (!c.is_value() || c.value() % 16 != 0) c = Dim();
  }
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

void reorder_output(InferCtx& ctx) {
  OptShape out = copy_shape(ctx, 0);
  if (out && out->size() == 4) {
    (*out)[1] = Dim(ctx.attr_or<std::int64_t>("channels", 0));
    if (ctx.attr_or<std::int64_t>("channels_last", 0) != 0) std::rotate(out->begin() + 1, out->begin() + 2, out->end());
  }
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

void upsample_blocks(InferCtx& ctx) {
  OptShape out = copy_shape(ctx, 0);
  const Ints* scales = ctx.attr_ptr<Ints>("scales");
  if (out && scales && scales->size() == out->size())
    for (std::size_t i = 2; i < out->size(); ++i) (*out)[i] = ctx.symbols().mul((*out)[i], Dim((*scales)[i]));
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

}  // namespace

InferFn nchwc_function(std::string_view name) {
  if (name == "Conv") return conv;
  if (name == "MaxPool" || name == "AveragePool") return pool;
  if (name == "GlobalAveragePool" || name == "GlobalMaxPool") return global_pool;
  if (name == "ReorderInput") return reorder_input;
  if (name == "ReorderOutput") return reorder_output;
  return name == "Upsample" ? upsample_blocks : nullptr;
}

}  // namespace onnxopt::infer_fn
