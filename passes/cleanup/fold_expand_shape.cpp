// y = Expand (x, computed)  ==>  y = Expand (x, constant)
// A dim that y shares with x becomes 1 ("keep"); all others must be numbers.
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  if (n.input(1)->constant()) return no(rw, "the shape operand is a constant already");
  const Shape *in = shape_of(n.input(0)), *out = shape_of(n.output());
  if (!in || !out || in->size() > out->size()) return no(rw, "the ranks are not known");
  Ints operand;
  const std::size_t lead = out->size() - in->size();
  for (std::size_t i = 0; i < out->size(); ++i) {
    if ((*out)[i].is_value()) operand.push_back((*out)[i].value());
    else if (i >= lead && same((*out)[i], (*in)[i - lead])) operand.push_back(1);
    else return no(rw, "a dim of the output is not known");
  }
  return becomes(n, rw, rw.op("Expand", {n.input(0), rw.constant(Tensor::int64s(operand), "shape")}));
}

}  // namespace

NodeRule fold_expand_shape() { return {"fold-expand-shape", "Make computed shape operands of Expand constant", "Expand", Level::o1, visit}; }

}  // namespace onnxopt
