#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// g = Gemm (a, b)  y = Add (g, c)  ==>  y = Gemm (a, b, c)
// c broadcasts to the product and not the other way round. Constants that meet a C there are added by fuse-gemm-affine.
Rule fuse_gemm_add() {
  return {
      .name = "fuse-gemm-add",
      .summary = "Gemm without C and Add to one Gemm",
      .match = R"(
        g = Gemm (a, b, C?)
        y = Add (g, c)
      )",
      .where = {input_absent("C"), is_float_tensor("g"),
                custom("c broadcasts to the product",
                       [](const Match& m) {
                         const Type& c = m["c"]->type;
                         return c.has_rank() && c.rank() <= 2 && broadcasts_to(*m["c"], *m["g"], m.context().model->symbols());
                       }),
                custom("nothing around is quantized", [](const Match& m) { return !is_quantized(m["a"]) && !is_quantized(m["b"]); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Attrs attrs = m.node("g").attrs();
            attrs.remove("beta");
            rw.replace(m["y"], rw.op("Gemm", {m["a"], m["b"], m["c"]}, std::move(attrs)));
          },
  };
}

}  // namespace onnxopt
