#include "ir/core/type.h"

#include <algorithm>

namespace onnxopt {

bool Type::is_static() const {
  return kind == Kind::tensor && shape && std::all_of(shape->begin(), shape->end(), [](const Dim& d) { return d.is_value(); });
}

Dims Type::static_dims() const {
  ONNXOPT_CHECK(is_static(), "shape is not static");
  Dims r;
  r.reserve(shape->size());
  for (const Dim& d : *shape) r.push_back(d.value());
  return r;
}

bool operator==(const Type& a, const Type& b) {
  if (a.kind != b.kind || a.dtype != b.dtype || a.shape != b.shape || !a.elem != !b.elem) return false;
  return !a.elem || *a.elem == *b.elem;
}

}  // namespace onnxopt
