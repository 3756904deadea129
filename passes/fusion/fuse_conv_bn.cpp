//   c = Conv (x, W, b?)                                  W' = W * k, b' = (b - mean) * k + B
//   y = BatchNormalization (c, scale, B, mean, var)  ==>  y = Conv (x, W', b')        with k = scale / sqrt(var + epsilon) per output channel
// In training mode the statistics are the batch's own; a second reader of c would need the Conv all the same.
#include "passes/rewrite/rule.h"

namespace onnxopt {
namespace {

struct Affine { Tensor w, b; };

// In double, rounded once at the end.
Affine fold_affine(const Match& m, Rewriter& rw) {
  const auto wide = [&](const Tensor& t) { return rw.eval("Cast", {t}, {{"to", std::int64_t{static_cast<int>(DType::float64)}}}); };
  const DType dtype = m.tensor("W").dtype();
  const auto narrow = [&](const Tensor& t) { return rw.eval("Cast", {t}, {{"to", std::int64_t{static_cast<int>(dtype)}}}); };
  const Tensor epsilon = Tensor::scalar<double>(m.node("y").attr<float>("epsilon"));
  const Tensor k = rw.eval("Div", {wide(m.tensor("scale")), rw.eval("Sqrt", {rw.eval("Add", {wide(m.tensor("var")), epsilon})})});
  Dims per_channel(m.tensor("W").dims().size(), 1);
  per_channel[0] = k.size();
  Tensor shift = rw.eval("Neg", {wide(m.tensor("mean"))});
  if (m["b"]) shift = rw.eval("Add", {shift, wide(m.tensor("b"))});
  const Tensor b = rw.eval("Add", {rw.eval("Mul", {shift, k}), wide(m.tensor("B"))});
  return {narrow(rw.eval("Mul", {wide(m.tensor("W")), k.reshaped(per_channel)})), narrow(b)};
}

}  // namespace

Rule fuse_conv_bn() {
  return {
      .name = "fuse-conv-bn",
      .summary = "Fold BatchNormalization into the weights of the Conv before it",
      .match = R"(
        c = Conv (x, W, b?)
        y = BatchNormalization (c, scale, B, mean, var) <training_mode = 0>
      )",
      .where = {is_constant("W b scale B mean var"), is_float_tensor("W")},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            auto [w, b] = fold_affine(m, rw);
            rw.replace(m["y"], rw.op("Conv", {m["x"], rw.constant(w), rw.constant(b)}, m.node("c").attrs()));
          },
  };
}

}  // namespace onnxopt
