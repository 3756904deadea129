#include <cmath>

#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = Elu <alpha> (x) * k  ==>  y = Selu <alpha, gamma = k> (x)
Rule fuse_selu() {
  return {
      .name = "fuse-selu",
      .summary = "Elu times a constant to Selu",
      .match = R"(
        e = Elu (x)
        y = Mul (e, k)
      )",
      .where = {is_float_tensor("x"), scalars_keep_rank("x"),
                custom("the factor is one finite constant",
                       [](const Match& m) {
                         const auto k = scalar_of(m["k"], m.context());
                         return k && std::isfinite(*k);
                       })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const auto gamma = static_cast<float>(*scalar_of(m["k"], m.context()));
            rw.replace(m["y"], rw.op("Selu", {m["x"]}, {{"alpha", m.node("e").attr<float>("alpha")}, {"gamma", gamma}}));
          },
  };
}

}  // namespace onnxopt
