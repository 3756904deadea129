// y = Reshape (x, computed)  ==>  y = Reshape (x, constant)
// Whole Shape / Gather / Concat chains fall away. Dims that are equal to x's at their index become 0, one may become -1 (reshape_operand.h says
// when).
#include "passes/cleanup/reshape_operand.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  if (n.input(1)->constant() || !plain(n)) return no(rw, "the shape operand is a constant already");
  const Shape* out = shape_of(n.output());
  if (!out) return no(rw, "the rank of the output is not known");
  const auto given = known_dims(n.input(1));
  const auto operand = reshape_operand(*out, n.input(0), rw.symbols(), given ? &*given : nullptr);
  if (!operand) return no(rw, "more than one dim of the output is not known");
  Attrs attrs = n.attrs();
  attrs.remove("allowzero");
  return becomes(n, rw, rw.op("Reshape", {n.input(0), rw.constant(Tensor::int64s(*operand), "shape")}, std::move(attrs)));
}

}  // namespace

NodeRule fold_reshape_shape() { return {"fold-reshape-shape", "Make computed shape operands of Reshape constant", "Reshape", Level::o1, visit}; }

}  // namespace onnxopt
