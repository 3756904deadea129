#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"

namespace onnxopt {

namespace {

// `y` has the dims of `x`, but for the last one; and `a` has x's last dim.
bool only_flattens(const Match& m) {
  const Type &x = m["x"]->type, &a = m["a"]->type, &y = m["y"]->type;
  if (!x.has_rank() || !a.has_rank() || !y.has_rank() || x.rank() < 3 || y.rank() != x.rank() || a.rank() != 2) return false;
  const auto last = static_cast<std::size_t>(x.rank()) - 1;
  for (std::size_t i = 0; i < last; ++i)
    if (!same((*x.shape)[i], (*y.shape)[i])) return false;
  return same((*x.shape)[last], (*a.shape)[1]);
}

bool plain_gemm(const Match& m) {
  const Node& g = m.node("g");
  return g.attr<float>("alpha") == 1.0F && g.attr<float>("beta") == 1.0F && g.attr<std::int64_t>("transA") == 0;
}

bool vector_bias(const Match& m) { return !m["b"] || (m["b"]->type.has_rank() && m["b"]->type.rank() <= 1); }

}  // namespace

// y = Reshape (Gemm (Reshape (x, [-1, K]), W, b), [.., N])  ==>  y = Add (MatMul (x, W), b)      x of rank 3 or more
// What exporters write for a linear layer on sequences. The shape arithmetic of both operands falls away.
Rule fuse_gemm_reshape() {
  return {
      .name = "fuse-gemm-reshape",
      .summary = "Gemm between Reshapes that flatten and restore the leading dims to MatMul and Add",
      .match = R"(
        a = Reshape (x, s)
        g = Gemm (a, W, b?)
        y = Reshape (g, t)
      )",
      .where = {is_constant("W"), custom("the Gemm is A B + C", plain_gemm), custom("the bias is a vector", vector_bias),
                custom("the Reshapes only flatten and restore the leading dims", only_flattens)},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Value* w = m["W"];
            if (m.node("g").attr<std::int64_t>("transB") != 0)
              w = rw.constant(rw.eval("Transpose", {*w->constant()}, {Attribute("perm", Ints{1, 0})}), w->name());
            Value* y = rw.op("MatMul", {m["x"], w});
            rw.replace(m["y"], m["b"] ? rw.op("Add", {y, m["b"]}) : y);
          },
      .keep = "a",
  };
}

}  // namespace onnxopt
