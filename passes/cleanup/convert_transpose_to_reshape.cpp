// y = Transpose <perm> (x)  ==>  y = Reshape (x, shape)      where only dims of size 1 move
// A Reshape costs nothing at run time and merges with its neighbours.
#include "passes/cleanup/reshape_operand.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Shape *s = shape_of(n.input(0)), *out = shape_of(n.output());
  const Ints* perm = n.attrs().get<Ints>("perm");
  if (!s || !out || !perm || perm->size() != s->size()) return no(rw, "the rank or perm is not known");
  std::int64_t last = -1;
  for (const auto p : *perm) {
    if ((*s)[static_cast<std::size_t>(p)].is(1)) continue;
    if (p < last) return no(rw, "perm moves dims larger than 1");
    last = p;
  }
  const auto operand = reshape_operand(*out, n.input(0), rw.symbols());
  if (!operand) return no(rw, "no constant shape operand gives this shape");
  return becomes(n, rw, rw.op("Reshape", {n.input(0), rw.constant(Tensor::int64s(*operand), "shape")}));
}

}  // namespace

NodeRule convert_transpose_to_reshape() {
  return {"convert-transpose-to-reshape", "Transpose that only moves dims of size 1 is a Reshape", "Transpose", Level::o2, visit};
}

}  // namespace onnxopt
