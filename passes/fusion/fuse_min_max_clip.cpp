#include <cmath>

#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// Min (Max (x, lo), hi) and Max (Min (x, hi), lo)  ==>  Clip (x, lo, hi);  Min (Relu (x), hi)  ==>  Clip (x, 0, hi)
// lo <= hi: outside, the order of the two matters.
Rule fuse_min_max_clip() {
  return {
      .name = "fuse-min-max-clip",
      .summary = "Min and Max with constants in a row to one Clip",
      .match = R"(
        a = Max (x, lo)
        y = Min (a, hi)
        or
        a = Min (x, hi)
        y = Max (a, lo)
        or
        a = Relu (x)
        y = Min (a, hi)
        or
        a = Min (x, hi)
        y = Relu (a)
      )",
      .where = {is_float_tensor("x"), is_scalar_constant("lo hi"), scalars_keep_rank("x"),
                custom("lo <= hi, both finite",
                       [](const Match& m) {
                         const auto lo = scalar_of(m["lo"], m.context()), hi = scalar_of(m["hi"], m.context());
                         return std::isfinite(lo.value_or(0)) && std::isfinite(*hi) && lo.value_or(0) <= *hi;
                       })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const DType t = m["x"]->type.dtype;
            const auto bound = [&](const Value* v) {
              return rw.constant(from_doubles(t, {}, std::vector<double>{v ? *scalar_of(v, m.context()) : 0.0}));
            };
            rw.replace(m["y"], rw.op("Clip", {m["x"], bound(m["lo"]), bound(m["hi"])}));
          },
  };
}

}  // namespace onnxopt
