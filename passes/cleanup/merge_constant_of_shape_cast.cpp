#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

// What ConstantOfShape makes in each of its versions.
bool in_every_version(DType t) {
  const bool floats = t == DType::float16 || t == DType::float32 || t == DType::float64;
  return floats || t == DType::boolean || (is_integer(t) && bit_width(t) >= 8);
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* fill = made_by(n.input(0), "ConstantOfShape");
  if (!fill) return no(rw, "the input is not made by ConstantOfShape");
  if (!n.input(0)->used_once()) return no(rw, "the unconverted tensor has another reader");
  if (!in_every_version(n.output()->type.dtype)) return no(rw, "not every ConstantOfShape makes this type");
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
