#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

bool is_rank_2(const Value* v) { return v->type.has_rank() && v->type.rank() == 2; }

}  // namespace

// p = MatMul (a, b)  y = Add (p, c)  ==>  y = Gemm (a, b, c)
// a and b of rank 2, c broadcasts to the product and not the other way round: y has the product's shape.
Rule fuse_matmul_add() {
  return {
      .name = "fuse-matmul-add",
      .summary = "MatMul and Add of a bias to Gemm, for matrices",
      .match = R"(
        p = MatMul (a, b)
        y = Add (p, c)
      )",
      .where = {is_float_tensor("p"), custom("a and b are matrices", [](const Match& m) { return is_rank_2(m["a"]) && is_rank_2(m["b"]); }),
                custom("c broadcasts to the product",
                       [](const Match& m) {
                         const Type& c = m["c"]->type;
                         return c.has_rank() && c.rank() <= 2 && broadcasts_to(*m["c"], *m["p"], m.context().model->symbols());
                       }),
                custom("nothing around is quantized", [](const Match& m) { return !is_quantized(m["a"]) && !is_quantized(m["b"]); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("Gemm", {m["a"], m["b"], m["c"]}));
          },
  };
}

}  // namespace onnxopt
