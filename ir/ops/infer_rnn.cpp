// RNN, GRU, LSTM.
#include <fmt/format.h>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

// Y: [sequence, directions, batch, hidden], states: [directions, batch, hidden]; with layout 1 the batch comes first everywhere.
void rnn(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape *x = ctx.input_shape(0), *r = ctx.input_shape(2);
  if (x && x->size() != 3) ctx.fail(fmt::format("X has rank {}", x->size()));
  const bool batch_first = ctx.attr_or<std::int64_t>("layout", 0) != 0;
  const Dim directions(ctx.attr_or<std::string>("direction", "forward") == "bidirectional" ? 2 : 1);
  const Dim sequence = x ? (*x)[batch_first ? 1 : 0] : Dim(), batch = x ? (*x)[batch_first ? 0 : 1] : Dim();
  const std::size_t at = ctx.node().op().name == "DynamicQuantizeLSTM" ? 1 : 2;  // which has its weights transposed
  Dim hidden = r && r->size() == 3 ? (*r)[at] : Dim();
  if (const std::int64_t* size = ctx.attr_ptr<std::int64_t>("hidden_size")) hidden = equal_dim(ctx, Dim(*size), hidden);
  ctx.set_tensor(0, t, batch_first ? Shape{batch, sequence, directions, hidden} : Shape{sequence, directions, batch, hidden});
  for (std::size_t i = 1; i < ctx.num_outputs(); ++i)
    ctx.set_tensor(i, t, batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden});
}

}  // namespace onnxopt::infer_fn
