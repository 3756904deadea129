#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Node* fill = made_by(n.input(0), "ConstantOfShape");
  if (!fill) return no(rw, "the input is not made by ConstantOfShape");
  if (!n.input(0)->used_once()) return no(rw, "the unconverted tensor has another reader");
  const Tensor* given = fill->attrs().get<Tensor>("value");
  const Tensor value = rw.eval("Cast", {given ? *given : Tensor::zeros(DType::float32, {1})}, n.attrs());
  return becomes(n, rw, rw.op("ConstantOfShape", {fill->input(0)}, {Attribute("value", value)}));
}

}  // namespace

// Cast (ConstantOfShape <value = v> (s))  ==>  ConstantOfShape <value = Cast (v)> (s)
NodeRule merge_constant_of_shape_cast() {
  return {"merge-constant-of-shape-cast", "ConstantOfShape that makes the right type itself", "Cast", Level::o1, visit};
}

}  // namespace onnxopt
