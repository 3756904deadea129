#include "ir/text/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "ir/core/pages.h"
#include "ir/ops/op_table.h"
#include "ir/text/printer.h"

namespace onnxopt::text {
namespace {

std::string shape_text(const Tensor& t) {
  std::string r;
  print_type(r, Type::tensor(t.dtype(), t.dims()), SymbolTable());
  return r;
}

// The first element that differs, for messages.
std::string element_difference(const Tensor& a, const Tensor& b) {
  const auto one = [](const Tensor& t, std::size_t i) -> std::string {
    std::string r;
    if (t.dtype() == DType::string) {
      print_quoted(r, t.strings()[i]);
    } else {
      const std::size_t width = static_cast<std::size_t>(bit_width(t.dtype())) / 8;
      const auto bytes = t.bytes().subspan(i * width, width);
      print_tensor_data(r, Tensor::from_bytes(t.dtype(), {1}, {bytes.begin(), bytes.end()}), {~std::uint64_t{0}, ~std::uint64_t{0}});
    }
    return r;
  };
  if (is_sub_byte(a.dtype())) return "data differ";
  const std::size_t width = a.dtype() == DType::string ? 0 : static_cast<std::size_t>(bit_width(a.dtype())) / 8;
  const std::size_t i =
      width == 0 ? static_cast<std::size_t>(std::mismatch(a.strings().begin(), a.strings().end(), b.strings().begin()).first - a.strings().begin())
                 : first_difference({a.bytes(), a.file_range() != nullptr}, {b.bytes(), b.file_range() != nullptr}) / width;
  if (i >= static_cast<std::size_t>(a.size())) return "data differ";
  return fmt::format("element {} is {} and {}", i, one(a, i), one(b, i));
}

std::string digest(const Tensor& t) {
  if (placeholder(t) != kLocationElided) return tensor_sha256(t);
  for (const auto& [key, value] : t.notes()->metadata)
    if (key == "sha256") return value;
  return {};
}

std::string sparse_difference(const SparseTensor& a, const SparseTensor& b, bool any_constants) {
  if (a.dims != b.dims) return fmt::format("dense shapes [{}] and [{}]", fmt::join(a.dims, ","), fmt::join(b.dims, ","));
  if (std::string d = tensor_difference(a.values, b.values, any_constants); !d.empty()) return "values: " + d;
  if (std::string d = tensor_difference(a.indices, b.indices, any_constants); !d.empty()) return "indices: " + d;
  return {};
}

template <class T, class F>
std::string list_difference(const std::vector<T>& a, const std::vector<T>& b, F&& one) {
  if (a.size() != b.size()) return fmt::format("{} and {} elements", a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::string d = one(a[i], b[i]); !d.empty()) return fmt::format("element {}: {}", i, d);
  return {};
}

Attribute default_attribute(const AttrSpec& spec) {
  const auto strings = [&] { return Strings(spec.strings.begin(), spec.strings.end()); };
  switch (spec.type) {
    case AttrType::float_: return {std::string(spec.name), spec.f};
    case AttrType::int_: return {std::string(spec.name), spec.i};
    case AttrType::string: return {std::string(spec.name), std::string(spec.s)};
    case AttrType::floats: return {std::string(spec.name), Floats(spec.floats.begin(), spec.floats.end())};
    case AttrType::ints: return {std::string(spec.name), Ints(spec.ints.begin(), spec.ints.end())};
    case AttrType::strings: return {std::string(spec.name), strings()};
    default: return {std::string(spec.name), {}};
  }
}

const AttrSpec* spec_with_default(const Node& n, std::string_view name, const EqualOptions& options) {
  const AttrSpec* spec = options.normalize_defaults ? n.op().find_attr(name) : nullptr;
  return spec && spec->has_default ? spec : nullptr;
}

}  // namespace

std::string tensor_difference(const Tensor& a, const Tensor& b, bool any_constants) {
  if (a.dtype() != b.dtype() || a.dims() != b.dims()) return fmt::format("{} and {}", shape_text(a), shape_text(b));
  const std::string_view pa = placeholder(a), pb = placeholder(b);
  if (any_constants && (pa == kLocationAny || pb == kLocationAny)) return {};
  if (!pa.empty() || !pb.empty()) {
    if (pa == pb && pa == kLocationAny) return {};
    return digest(a) == digest(b) ? std::string() : "data differ (SHA-256)";
  }
  return a.same_content(b) ? std::string() : element_difference(a, b);
}

std::string attribute_difference(const Attribute& a, const Attribute& b, const EqualOptions& options, const GraphPair& graphs) {
  const bool any = options.any_constants;
  if (a.is_ref() || b.is_ref() || a.value.index() != b.value.index())
    return same_attribute(a, b) ? std::string() : attribute_text(a) + " and " + attribute_text(b);
  if (const auto* t = std::get_if<Tensor>(&a.value)) return tensor_difference(*t, std::get<Tensor>(b.value), any);
  if (const auto* s = std::get_if<SparseTensor>(&a.value)) return sparse_difference(*s, std::get<SparseTensor>(b.value), any);
  if (const auto* ts = std::get_if<std::vector<Tensor>>(&a.value))
    return list_difference(*ts, std::get<std::vector<Tensor>>(b.value),
                           [&](const Tensor& x, const Tensor& y) { return tensor_difference(x, y, any); });
  if (const auto* ss = std::get_if<std::vector<SparseTensor>>(&a.value))
    return list_difference(*ss, std::get<std::vector<SparseTensor>>(b.value),
                           [&](const SparseTensor& x, const SparseTensor& y) { return sparse_difference(x, y, any); });
  if (const auto* g = std::get_if<std::shared_ptr<Graph>>(&a.value)) {
    if (graphs) graphs(**g, *std::get<std::shared_ptr<Graph>>(b.value));
    return {};
  }
  if (const auto* gs = std::get_if<std::vector<std::shared_ptr<Graph>>>(&a.value))
    return list_difference(*gs, std::get<std::vector<std::shared_ptr<Graph>>>(b.value), [&](const auto& x, const auto& y) {
      if (graphs) graphs(*x, *y);
      return std::string();
    });
  if (std::holds_alternative<Type>(a.value) || std::holds_alternative<std::vector<Type>>(a.value))  // dims of different models
    return attribute_text(a) == attribute_text(b) ? std::string() : attribute_text(a) + " and " + attribute_text(b);
  return same_attribute(a, b) ? std::string() : attribute_text(a) + " and " + attribute_text(b);
}

std::string attributes_difference(const Attrs& a, const Attrs& b, const EqualOptions& options, const GraphPair& graphs) {
  for (const Attribute& x : a) {
    const Attribute* y = b.find(x.name);
    if (!y) return fmt::format("attribute '{}' is {} and absent", x.name, attribute_text(x));
    if (const std::string d = attribute_difference(x, *y, options, graphs); !d.empty()) return fmt::format("attribute '{}' is {}", x.name, d);
  }
  for (const Attribute& y : b)
    if (!a.has(y.name)) return fmt::format("attribute '{}' is absent and {}", y.name, attribute_text(y));
  return {};
}

std::string attributes_difference(const Node& a, const Node& b, const EqualOptions& options, const GraphPair& graphs) {
  for (const Attribute& x : a.attrs()) {
    const Attribute* y = b.attrs().find(x.name);
    Attribute standard;
    if (!y) {
      const AttrSpec* spec = spec_with_default(b, x.name, options);
      if (!spec) return fmt::format("attribute '{}' is {} and absent", x.name, attribute_text(x));
      standard = default_attribute(*spec);
      y = &standard;
    }
    if (const std::string d = attribute_difference(x, *y, options, graphs); !d.empty()) return fmt::format("attribute '{}' is {}", x.name, d);
  }
  for (const Attribute& y : b.attrs()) {
    if (a.attrs().has(y.name)) continue;
    const AttrSpec* spec = spec_with_default(a, y.name, options);
    if (!spec) return fmt::format("attribute '{}' is absent and {}", y.name, attribute_text(y));
    if (const std::string d = attribute_difference(default_attribute(*spec), y, options, graphs); !d.empty())
      return fmt::format("attribute '{}' is {}", y.name, d);
  }
  return {};
}

const Type& stated_type(const Value& v) { return v.extra() && v.extra()->has_declared ? v.extra()->declared : v.type; }

namespace {
Type without_anonymous(Type t, const SymbolTable& symbols) {
  if (t.shape)
    for (Dim& d : *t.shape)
      if (d.is_symbolic() && symbols.is_anonymous(d)) d = Dim();
  if (t.elem) t.elem = std::make_shared<const Type>(without_anonymous(*t.elem, symbols));
  return t;
}
}  // namespace

std::string type_text(const Type& t, const Graph& g) {
  std::string r;
  print_type(r, without_anonymous(t, g.model().symbols()), g.model().symbols());
  return r.empty() ? "no type" : r;
}

std::string type_difference(const Value& a, const Value& b) {
  const bool declared = a.extra() && a.extra()->has_declared && b.extra() && b.extra()->has_declared;
  const Type& ta = declared || a.type.kind == Type::Kind::unknown ? stated_type(a) : a.type;
  const Type& tb = declared || b.type.kind == Type::Kind::unknown ? stated_type(b) : b.type;
  const std::string x = type_text(ta, *a.graph()), y = type_text(tb, *b.graph());
  return x == y ? std::string() : x + " and " + y;
}

std::string imports_text(const std::vector<OpsetImport>& imports) {
  std::map<std::string, std::int64_t> sorted;
  for (const OpsetImport& o : imports) sorted[std::string(canonical_domain(o.domain))] = o.version;
  std::string r;
  for (const auto& [domain, version] : sorted) r += fmt::format("{}{} {}", r.empty() ? "" : ", ", domain.empty() ? "ai.onnx" : domain, version);
  return r.empty() ? "none" : r;
}

std::string op_text(const Node& n) { return fmt::format("{}{}{}-{}", n.op().domain, n.op().domain.empty() ? "" : ".", n.op().name, n.op().since); }

std::string value_text(const Value& v) { return v.name().empty() ? fmt::format("value #{}", v.id()) : fmt::format("'{}'", v.name()); }

std::string node_text(const Node& n) {
  std::string r = op_text(n);
  if (!n.name.empty()) r += fmt::format(" '{}'", n.name);
  for (const Value* v : n.outputs())
    if (v) return r + " -> " + value_text(*v);
  return r;
}

}  // namespace onnxopt::text
