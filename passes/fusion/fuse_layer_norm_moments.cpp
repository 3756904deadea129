#include "passes/fusion/norm_patterns.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// As TensorFlow's batch_normalization writes it: r = g / Sqrt (ReduceMean ((x - mean)^2) + eps)  y = x * r + (b - mean * r)
// ==>  y = LayerNormalization <axis = -1, epsilon> (x, g, b)
// for one normalized axis and scale and bias of its length. From opset 17.
Rule fuse_layer_norm_moments() {
  static const std::string text = combine_patterns(
      {"mean = ReduceMean (x, axes?)\n d = Sub (x, mean)\n q = Mul (d, d)\n v = ReduceMean (q, axes2?)\n ve = Add (v, eps)\n s = Sqrt (ve)",
       "mean = ReduceMean (x, axes?)\n d = Sub (mean, x)\n q = Mul (d, d)\n v = ReduceMean (q, axes2?)\n ve = Add (v, eps)\n s = Sqrt (ve)",
       "mean = ReduceMean (x, axes?)\n d = Sub (x, mean)\n q = Pow (d, 2)\n v = ReduceMean (q, axes2?)\n ve = Add (v, eps)\n s = Sqrt (ve)"},
      {"i = Reciprocal (s)\n r = Mul (i, g)\n a = Mul (x, r)\n c = Mul (mean, r)\n t = Sub (b, c)\n y = Add (a, t)",
       "i = Div (1.0, s)\n r = Mul (i, g)\n a = Mul (x, r)\n c = Mul (mean, r)\n t = Sub (b, c)\n y = Add (a, t)",
       "r = Div (g, s)\n a = Mul (x, r)\n c = Mul (mean, r)\n t = Sub (b, c)\n y = Add (a, t)"});
  return {
      .name = "fuse-layer-norm-moments",
      .summary = "Layer normalization as TensorFlow writes it to LayerNormalization",
      .match = text,
      .where = {is_float_tensor("x"), is_constant("g b"), eps_is_scalar(), scalars_keep_rank("x"),
                custom("both means keep dims and reduce the last axis",
                       [](const Match& m) { return trailing_axes(m.node("mean"), &m.node("v"), m.context()) == 1; }),
                custom("scale and bias have one value a normalized element",
                       [](const Match& m) {
                         const std::int64_t n = static_extent(*m["x"], {-1});
                         const Dims &g = m.tensor("g").dims(), &b = m.tensor("b").dims();
                         return n > 0 && g == Dims{n} && b == Dims{n};
                       })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("LayerNormalization", {m["x"], m["g"], m["b"]},
                                     {{"axis", std::int64_t{-1}}, {"epsilon", static_cast<float>(*scalar_of(m["eps"], m.context()))}}));
          },
  };
}

}  // namespace onnxopt
