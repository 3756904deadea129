#include <cmath>

#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"

namespace onnxopt {

namespace {

double factor(const Match& m, std::string_view scaled, std::string_view constant) {
  const double c = *scalar_of(m[constant], m.context());
  return m.node(scaled).is("Div") ? 1.0 / c : c;
}

}  // namespace

// p = Mul (a, s)  q = Mul (b, t)  y = MatMul (p, q)  ==>  y = MatMul (Mul (a, s * t), b)
// The scaled dot product as PyTorch writes it, with the root of the scale on both sides. s * t is not above 1: nothing overflows that did not before.
Rule fuse_qk_scales() {
  return {
      .name = "fuse-qk-scales",
      .summary = "Constant scales of both inputs of a MatMul to one",
      .match = R"(
        p = Mul|Div (a, s)
        q = Mul|Div (b, t)
        y = MatMul (p, q)
      )",
      .where = {is_scalar_constant("s t"),
                custom("the constants do not raise the rank",
                       [](const Match& m) {
                         for (auto [x, c] : {std::pair{"a", "s"}, std::pair{"b", "t"}})
                           if (!m[x]->type.has_rank() || m[c]->constant()->rank() > m[x]->type.rank()) return false;
                         return true;
                       }),
                custom("the scales' product is not above 1",
                       [](const Match& m) { return std::abs(factor(m, "p", "s") * factor(m, "q", "t")) <= 1.0; })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const Tensor s = from_doubles(m.tensor("s").dtype(), {}, std::vector<double>{factor(m, "p", "s") * factor(m, "q", "t")});
            if (!s) rw.abandon("the scales' product would leave the range of its type");
            rw.replace(m["y"], rw.op("MatMul", {rw.op("Mul", {m["a"], rw.constant(s, "scale")}), m["b"]}));
          },
  };
}

}  // namespace onnxopt
