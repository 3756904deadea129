#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {
namespace {

// Softplus (x) - x is Log (1 + Exp (-x)): from 15 on less than half of what tells x from its neighbour in float.
bool lost_in_rounding(const Match& m) {
  constexpr double kFar = 15;
  if (!m.has_node("w")) return true;
  const auto t = scalar_of(m["t"], m.context());
  const DType d = m["x"]->type.dtype;
  return t && *t >= kFar && (d == DType::float32 || d == DType::float16 || d == DType::bfloat16);
}

}  // namespace

// y = Log (1 + Exp (x));  y = Where (x > 20, x, Softplus (x)), as torch.export writes it  ==>  y = Softplus (x)
Rule fuse_softplus() {
  return {
      .name = "fuse-softplus",
      .summary = "Log (1 + Exp (x)), and Softplus beside its asymptote, to Softplus",
      .match = R"(
        e = Exp (x)
        a = Add (e, 1.0)
        y = Log (a)
        or
        p = Softplus (x)
        g = Greater|GreaterOrEqual (x, t)
        w = Where (g, x, p)
      )",
      .where = {is_scalar_constant("t"), custom("a float tensor, and x alone only from 15 on", lost_in_rounding)},
      .rewrite = [](const Match& m, Rewriter& rw) { rw.replace(m[m.has_node("w") ? "w" : "y"], rw.op("Softplus", {m["x"]})); },
  };
}

}  // namespace onnxopt
