#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {
namespace {

bool equal(const Match& m, Dim a, Dim b) { return same(a, b) || m.context().model->symbols().provably_equal(a, b); }

// `flat` has the last `kept` dims of `full`, and all others as one in front.
bool flattens(const Match& m, const Type& full, const Type& flat, std::size_t kept) {
  if (!full.has_rank() || !flat.has_rank() || flat.shape->size() != kept + 1 || full.shape->size() < kept + 1) return false;
  for (std::size_t i = 1; i <= kept; ++i)
    if (!equal(m, full.shape->rbegin()[static_cast<std::ptrdiff_t>(i) - 1], flat.shape->rbegin()[static_cast<std::ptrdiff_t>(i) - 1])) return false;
  return true;
}

// The dims in front of the last `kept` are the same.
bool same_lead(const Match& m, const Type& a, const Type& b, std::size_t kept) {
  if (!a.has_rank() || !b.has_rank() || a.shape->size() != b.shape->size()) return false;
  for (std::size_t i = 0; i + kept < a.shape->size(); ++i)
    if (!equal(m, (*a.shape)[i], (*b.shape)[i])) return false;
  return true;
}

bool only_flattens(const Match& m) {
  const Type &x = m["x"]->type, &r = m["r"]->type, &p = m["p"]->type, &y = m["y"]->type;
  if (!p.has_rank() || !y.has_rank() || y.rank() < 3) return false;
  const bool batched = m.has_node("s");
  const std::size_t kept = batched ? 2 : 1;
  if (!flattens(m, x, r, kept) || !flattens(m, y, p, kept) || !same_lead(m, x, y, kept)) return false;
  if (!batched) return m["w"]->type.has_rank() && m["w"]->type.rank() == 2;
  const Type& z = m["z"]->type;
  return flattens(m, z, m["s"]->type, kept) && same_lead(m, x, z, kept);
}

}  // namespace

// r = Reshape (x, _)  p = MatMul (r, w)  y = Reshape (p, _)  ==>  y = MatMul (x, w), where the Reshapes only flatten and restore the leading dims;
// so where both operands are flattened.
Rule fuse_matmul_reshape() {
  return {
      .name = "fuse-matmul-reshape",
      .summary = "MatMul between Reshapes that flatten and restore the leading dims to MatMul",
      .match = R"(
        r = Reshape (x, _)
        s = Reshape (z, _)
        p = MatMul (r, s)
        y = Reshape (p, _)
        or
        r = Reshape (x, _)
        p = MatMul (r, w)
        y = Reshape (p, _)
      )",
      .where = {custom("the Reshapes only flatten and restore the leading dims", only_flattens)},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("MatMul", {m["x"], m.has_node("s") ? m["z"] : m["w"]}));
          },
      .keep = "r s",
  };
}

}  // namespace onnxopt
