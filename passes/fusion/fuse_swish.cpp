#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

// Swish appears in opset 24. ONNX Runtime (1.31) has no kernel for it and writes it out as Sigmoid and Mul, but in models of opset 24 only: newer
// ones with a Swish it does not load.
bool loads_swish(const Match& m) {
  const Function* f = m.graph().root().function();
  const OutputOpsets target = f ? OutputOpsets{f->file_opsets} : m.context().output;
  return target.imports.empty() || target.version("") <= 24;
}

}  // namespace

// s = Sigmoid (x * alpha)  y = Mul (x, s)  ==>  y = Swish <alpha> (x)
Rule fuse_swish() {
  return {
      .name = "fuse-swish",
      .summary = "x * Sigmoid (alpha * x) to Swish",
      .match = R"(
        s = Sigmoid (x)
        y = Mul (x, s)
        or
        m = Mul (x, alpha)
        s = Sigmoid (m)
        y = Mul (x, s)
      )",
      .where = {custom("alpha is one constant", [](const Match& m) { return !m.has_node("m") || scalar_of(m["alpha"], m.context()); }),
                scalars_keep_rank("x"), custom("the output is of opset 24, where ONNX Runtime loads it", loads_swish)},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Attrs attrs;
            if (m.has_node("m")) attrs.set("alpha", static_cast<float>(*scalar_of(m["alpha"], m.context())));
            rw.replace(m["y"], rw.op("Swish", {m["x"]}, std::move(attrs)));
          },
  };
}

}  // namespace onnxopt
