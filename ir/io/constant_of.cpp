#include "ir/io/constant_of.h"

namespace onnxopt {
namespace {

template <class T>
Tensor vector_tensor(const std::vector<T>& v) {
  return Tensor::of<T>({static_cast<std::int64_t>(v.size())}, v);
}

}  // namespace

Tensor constant_of(const Attrs& attrs) {
  if (attrs.size() != 1) return {};
  const Attribute& a = *attrs.begin();
  if (a.extra) return {};
  if (a.name == "value") return attrs.get<Tensor>("value") ? *attrs.get<Tensor>("value") : Tensor();
  if (const auto* f = attrs.get<float>("value_float")) return Tensor::scalar<float>(*f);
  if (const auto* i = attrs.get<std::int64_t>("value_int")) return Tensor::scalar<std::int64_t>(*i);
  if (const auto* f = attrs.get<Floats>("value_floats")) return vector_tensor(*f);
  if (const auto* i = attrs.get<Ints>("value_ints")) return vector_tensor(*i);
  if (const auto* s = attrs.get<std::string>("value_string")) return Tensor::from_strings({}, {*s});
  if (const auto* s = attrs.get<Strings>("value_strings")) return Tensor::from_strings({static_cast<std::int64_t>(s->size())}, *s);
  return {};
}

}  // namespace onnxopt
