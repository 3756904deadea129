#include <cmath>

#include "passes/fusion/weights.h"

namespace onnxopt {

// c = Conv (v, W, b?)  h = HardSigmoid (c)  y = Add (x, Mul (x, h))  ==>  y = Mul (x, Clip (Conv (v, alpha * W, alpha * b + beta + 1), 1, 2))
// The squeeze-and-excitation with a shortcut of PaddleOCR's detectors: x + x * h is x times 1 + h, and 1 + h is what lies between 1 and 2.
// Where x is infinite and h is 0, the sum was NaN; the product is infinite.
Rule fuse_residual_gate() {
  return {
      .name = "fuse-residual-gate",
      .summary = "x + x * HardSigmoid (Conv) to x times the Conv, clipped between 1 and 2",
      .match = R"(
        c = Conv (v, W, b?)
        h = HardSigmoid <alpha = @alpha, beta = @beta> (c)
        m = Mul (x, h)
        y = Add (x, m)
      )",
      .where = {custom("the Conv has constant weights", [](const Match& m) { return const_conv(m.node("c"), m.context()).has_value(); }),
                is_float_tensor("x"),
                custom("alpha and beta are finite, alpha is not 0",
                       [](const Match& m) {
                         const float alpha = m.node("h").attr<float>("alpha"), beta = m.node("h").attr<float>("beta");
                         return std::isfinite(alpha) && std::isfinite(beta) && alpha != 0;
                       })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const auto conv = const_conv(m.node("c"), rw.context());
            const double alpha = m.node("h").attr<float>("alpha"), beta = m.node("h").attr<float>("beta");
            std::vector<double> bias = conv->bias();
            for (double& b : bias) b = b * alpha + beta + 1;
            const std::vector<double> scale(bias.size(), alpha);
            Value* c = rebuild_conv(rw, *conv, m["v"], conv->scale_outputs(scale), bias);
            const double one = 1, two = 2;
            const DType t = conv->w.dtype();
            Value* low = rw.constant(from_doubles(t, {}, {&one, 1}), "one");
            Value* high = rw.constant(from_doubles(t, {}, {&two, 1}), "two");
            rw.replace(m["y"], rw.op("Mul", {m["x"], rw.op("Clip", {c, low, high})}));
          },
  };
}

}  // namespace onnxopt
