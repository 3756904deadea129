// y = f (...)  ==>  y = constant      where inference knows every element of the integer tensor y: Shape of static dims and what is computed from it
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool is_shape_like(const Value* v) {
  const auto rank = rank_of(v);
  return v->known && rank && *rank <= 1 && (v->type.dtype == DType::int64 || v->type.dtype == DType::int32);
}

Tensor tensor_of(const Ints& values, const Type& type) {
  const Dims dims = type.shape->empty() ? Dims{} : Dims{static_cast<std::int64_t>(values.size())};
  if (type.dtype == DType::int64) return Tensor::of<std::int64_t>(dims, values);
  return Tensor::of<std::int32_t>(dims, std::vector<std::int32_t>(values.begin(), values.end()));
}

bool visit(const Node& n, Rewriter& rw) {
  if (!n.output() || n.op().has(kControlFlow) || n.op().has(kNondeterministic)) return false;
  for (const Value* v : n.outputs()) {
    if (!v) continue;
    if (v->unused() && n.outputs().size() > 1) continue;
    if (!v->known || !is_shape_like(v)) return no(rw, "not every element is known");
    for (Dim d : *v->known)
      if (!d.is_value()) return no(rw, "not every element is known");
  }
  for (Value* v : n.outputs()) {
    if (!v || v->unused()) continue;
    const auto values = known_ints(v);
    if (v->type.dtype == DType::int32)
      for (auto e : *values)
        if (e != static_cast<std::int32_t>(e)) return no(rw, "an element does not fit");
    rw.replace(v, rw.constant(tensor_of(*values, v->type), v->name()));
  }
  return true;
}

}  // namespace

NodeRule fold_known_values() { return {"fold-known-values", "Make integers constant that inference knows", "*", Level::o1, visit}; }

}  // namespace onnxopt
