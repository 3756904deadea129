#include <fmt/format.h>

#include <bit>

#include "ir/text/compare.h"
#include "ir/text/hash.h"
#include "ir/text/printer.h"

namespace onnxopt::text {
namespace {

constexpr std::size_t kLongText = 60;

std::string shortened(std::string s) {
  if (s.size() > kLongText) s = s.substr(0, kLongText) + "...";
  return s;
}

struct HashValue {
  std::uint64_t operator()(std::monostate) const { return 1; }
  std::uint64_t operator()(float v) const { return std::bit_cast<std::uint32_t>(v); }
  std::uint64_t operator()(std::int64_t v) const { return static_cast<std::uint64_t>(v); }
  std::uint64_t operator()(const std::string& v) const { return hash_text(v); }
  std::uint64_t operator()(const Tensor& v) const { return static_cast<std::uint64_t>(v.size()); }  // data may be a placeholder
  template <class T>
  std::uint64_t operator()(const std::vector<T>& v) const {
    std::uint64_t h = v.size();
    for (const T& x : v) h = mix(h, (*this)(x));
    return h;
  }
  std::uint64_t operator()(const std::shared_ptr<Graph>&) const { return 2; }
  std::uint64_t operator()(const SparseTensor& v) const { return static_cast<std::uint64_t>(v.values.size()); }
  std::uint64_t operator()(const Type& v) const { return static_cast<std::uint64_t>(v.kind); }
};

bool is_default(const Node& n, const Attribute& a) {
  const AttrSpec* spec = n.op().find_attr(a.name);
  if (!spec || !spec->has_default || a.is_ref() || spec->type != a.type()) return false;
  switch (spec->type) {
    case AttrType::float_: return std::bit_cast<std::uint32_t>(std::get<float>(a.value)) == std::bit_cast<std::uint32_t>(spec->f);
    case AttrType::int_: return std::get<std::int64_t>(a.value) == spec->i;
    case AttrType::string: return std::get<std::string>(a.value) == spec->s;
    default: return false;  // lists: hashed, which only makes equal nodes with different spelling harder to pair
  }
}

}  // namespace

std::string attribute_text(const Attribute& a) {
  if (a.is_ref()) return "@" + a.extra->ref_attr_name;
  if (std::holds_alternative<std::shared_ptr<Graph>>(a.value) || std::holds_alternative<std::vector<std::shared_ptr<Graph>>>(a.value))
    return "a graph";
  return shortened(attribute_value_text(a));
}

Tensor constant_of(const Value& v, bool constant_nodes) {
  if (v.constant()) return *v.constant();
  const Node* n = v.producer();
  if (!constant_nodes || !n || !n->is("Constant") || n->attrs().size() != 1) return {};
  const Attribute& a = *n->attrs().begin();
  if (a.is_ref()) return {};
  if (const auto* t = std::get_if<Tensor>(&a.value)) return *t;
  if (const auto* f = std::get_if<float>(&a.value)) return Tensor::scalar(*f);
  if (const auto* i = std::get_if<std::int64_t>(&a.value)) return Tensor::scalar(*i);
  if (const auto* s = std::get_if<std::string>(&a.value)) return Tensor::from_strings({}, {*s});
  if (const auto* fs = std::get_if<Floats>(&a.value)) return Tensor::of<float>({static_cast<std::int64_t>(fs->size())}, *fs);
  if (const auto* is = std::get_if<Ints>(&a.value)) return Tensor::int64s(*is);
  if (const auto* ss = std::get_if<Strings>(&a.value)) return Tensor::from_strings({static_cast<std::int64_t>(ss->size())}, *ss);
  return {};
}

std::uint64_t description_hash(const Node& n, const EqualOptions& options) {
  std::uint64_t h = mix(hash_text(n.op().name), mix(hash_text(n.op().domain), static_cast<std::uint64_t>(n.op().since)));
  std::uint64_t attrs = 0;  // a sum: order does not matter
  for (const Attribute& a : n.attrs()) {
    if (options.normalize_defaults && is_default(n, a)) continue;
    const std::uint64_t value = a.is_ref() ? hash_text(a.extra->ref_attr_name) : std::visit(HashValue{}, a.value);
    attrs += mix(hash_text(a.name), value);
  }
  return mix(h, attrs);
}

}  // namespace onnxopt::text
