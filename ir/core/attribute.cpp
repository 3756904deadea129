#include "ir/core/attribute.h"

#include <algorithm>
#include <cstring>

#include "ir/core/graph.h"

namespace onnxopt {
namespace {

// Bitwise, so that NaN equals itself and -0 differs from 0.
bool same_float(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

bool same_sparse(const SparseTensor& a, const SparseTensor& b) {
  return a.dims == b.dims && a.values.same_content(b.values) && a.indices.same_content(b.indices);
}

struct SameValue {
  const AttrValue& other;
  bool operator()(std::monostate) const { return true; }
  bool operator()(float v) const { return same_float(v, std::get<float>(other)); }
  bool operator()(const Tensor& v) const { return v.same_content(std::get<Tensor>(other)); }
  bool operator()(const SparseTensor& v) const { return same_sparse(v, std::get<SparseTensor>(other)); }
  bool operator()(const Floats& v) const {
    const auto& o = std::get<Floats>(other);
    return std::equal(v.begin(), v.end(), o.begin(), o.end(), same_float);
  }
  bool operator()(const std::vector<Tensor>& v) const {
    const auto& o = std::get<std::vector<Tensor>>(other);
    return std::equal(v.begin(), v.end(), o.begin(), o.end(), [](const Tensor& a, const Tensor& b) { return a.same_content(b); });
  }
  bool operator()(const std::vector<SparseTensor>& v) const {
    const auto& o = std::get<std::vector<SparseTensor>>(other);
    return std::equal(v.begin(), v.end(), o.begin(), o.end(), same_sparse);
  }
  template <class T>
  bool operator()(const T& v) const {
    return v == std::get<T>(other);
  }
};

}  // namespace

AttrValue::AttrValue(const AttrValue&) = default;
AttrValue::AttrValue(AttrValue&&) noexcept = default;
AttrValue& AttrValue::operator=(const AttrValue&) = default;
AttrValue& AttrValue::operator=(AttrValue&&) noexcept = default;
AttrValue::~AttrValue() = default;

Attribute::Attribute(const Attribute&) = default;
Attribute::Attribute(Attribute&&) noexcept = default;
Attribute& Attribute::operator=(const Attribute&) = default;
Attribute& Attribute::operator=(Attribute&&) noexcept = default;
Attribute::~Attribute() = default;

Attrs::Attrs(std::initializer_list<Attribute> list) : list_(list) {}
Attrs::Attrs(const Attrs&) = default;
Attrs::Attrs(Attrs&&) noexcept = default;
Attrs& Attrs::operator=(const Attrs&) = default;
Attrs& Attrs::operator=(Attrs&&) noexcept = default;
Attrs::~Attrs() = default;

Attrs& Attrs::add(Attribute a) {
  list_.push_back(std::move(a));
  return *this;
}

const Attribute* Attrs::find(std::string_view name) const {
  for (const Attribute& a : list_)
    if (a.name == name) return &a;
  return nullptr;
}
Attribute* Attrs::find(std::string_view name) {
  for (Attribute& a : list_)
    if (a.name == name) return &a;
  return nullptr;
}
Attrs& Attrs::set(std::string name, AttrValue value) {
  if (Attribute* a = find(name)) {
    a->value = std::move(value);
    a->extra.reset();
  } else {
    list_.emplace_back(std::move(name), std::move(value));
  }
  return *this;
}
bool Attrs::remove(std::string_view name) {
  return std::erase_if(list_, [&](const Attribute& a) { return a.name == name; }) > 0;
}

bool same_attribute(const Attribute& a, const Attribute& b) {
  if (a.name != b.name || a.value.index() != b.value.index() || a.is_ref() != b.is_ref()) return false;
  if (a.is_ref()) return a.extra->ref_attr_name == b.extra->ref_attr_name && a.extra->ref_type == b.extra->ref_type;
  return std::visit(SameValue{b.value}, a.value);
}

bool same_attrs(const Attrs& a, const Attrs& b) {
  if (a.size() != b.size()) return false;
  return std::all_of(a.begin(), a.end(), [&](const Attribute& x) {
    const Attribute* y = b.find(x.name);
    return y && same_attribute(x, *y);
  });
}

}  // namespace onnxopt
