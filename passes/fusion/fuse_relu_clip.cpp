#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"
#include "passes/fusion/weights.h"

namespace onnxopt {

// r = Relu (x)  y = Clip (r, lo?, hi?)  ==>  y = Clip (x, max(lo, 0), max(hi, 0)), and the other way round
// Clip of a value below lo with lo > hi gives hi in both orders.
Rule fuse_relu_clip() {
  return {
      .name = "fuse-relu-clip",
      .summary = "Relu and Clip in a row to one Clip",
      .match = R"(
        r = Relu (x)
        y = Clip (r, lo?, hi?)
        or
        r = Clip (x, lo?, hi?)
        y = Relu (r)
      )",
      .where = {is_scalar_constant("lo hi")},
      .rewrite = [](const Match& m, Rewriter& rw) { 
        const double lo = m["lo"] ? *scalar_of(m["lo"], m.context()) : 0, hi = m["hi"] ? *scalar_of(m["hi"], m.context()) : 0;
        const DType t = m["y"]->type.dtype;
        const auto bound = [&](double v) { return rw.constant(from_doubles(t, {}, std::vector<double>{v})); };
        Value* low = lo > 0 ? m["lo"] : bound(0);
        Value* high = m["hi"] && hi < 0 ? bound(0) : m["hi"];
        rw.replace(m["y"], high ? rw.op("Clip", {m["x"], low, high}) : rw.op("Clip", {m["x"], low}));
       },
  };
}

}  // namespace onnxopt
