#include "passes/fusion/weights.h"

namespace onnxopt {

// m = MatMul (x, W)  f = Flatten | Reshape (m)  y = BatchNormalization (f, ...)  ==>  y = Flatten | Reshape (Add (MatMul (x, W * s), t))
// Layers of [batch, tokens, channels] that are normalized as [batch * tokens, channels]. The Reshape back merges with this one afterwards.
Rule fuse_matmul_reshape_bn() {
  return {
      .name = "fuse-matmul-reshape-bn",
      .summary = "Fold BatchNormalization into the weights of the MatMul before it, where its rows are flattened in between",
      .match = R"(
        m = MatMul (x, W)
        f = Flatten (m)
        y = BatchNormalization (f, scale, B, mean, var) <training_mode = 0>
        or
        m = MatMul (x, W)
        f = Reshape (m, shape)
        y = BatchNormalization (f, scale, B, mean, var) <training_mode = 0>
      )",
      .where = {is_constant("W scale B mean var"), has_rank("f", 2), rank_known("m"),
                custom("the columns of the product stay columns",
                       [](const Match& m) {
                         const Tensor* w = weight_of(m["W"], m.context());
                         return w && w->rank() >= 2 && w->size() > 0 && m["m"]->type.rank() >= 1 && (*m["f"]->type.shape)[1].is(w->dims().back());
                       })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const Tensor& w = m.tensor("W");
            const std::int64_t columns = w.dims().back();
            const auto a = channel_affine(m.root(), 0, 2, 1, columns, rw.context());
            if (!a) rw.abandon("the statistics give no finite scale");
            const Tensor scaled = scale_columns(w, a->scale), shift = from_doubles(w.dtype(), {columns}, a->shift);
            if (!scaled || !shift) rw.abandon("a fused weight would leave the range of its type");
            Value* y = rw.op("MatMul", {m["x"], rw.constant(scaled, m["W"]->name())});
            if (a->shifts()) y = rw.op("Add", {y, rw.constant(shift, m["W"]->name() + "_bias")});
            const Node& f = m.node("f");
            const bool flatten = f.is("Flatten");
            rw.replace(m["y"], flatten ? rw.op("Flatten", {y}, f.attrs()) : rw.op("Reshape", {y, m["shape"]}, f.attrs()));
          },
  };
}

}  // namespace onnxopt
