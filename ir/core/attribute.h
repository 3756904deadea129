// Attributes of nodes, as AttributeProto holds them. Subgraphs are owned Graphs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/core/tensor.h"
#include "ir/core/type.h"

namespace onnxopt {

class Graph;

// AttributeProto.AttributeType, same numbers.
enum class AttrType : std::uint8_t {
  undefined = 0,
  float_ = 1,
  int_ = 2,
  string = 3,
  tensor = 4,
  graph = 5,
  floats = 6,
  ints = 7,
  strings = 8,
  tensors = 9,
  graphs = 10,
  sparse_tensor = 11,
  sparse_tensors = 12,
  type_proto = 13,
  type_protos = 14,
};

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;
using Strings = std::vector<std::string>;

// Order of alternatives follows AttrType, so that index() is the type. Copies, moves and the end of so many alternatives are compiled once, in
// attribute.cpp: in each file that names an attribute they took a tenth of its compilation.
using AttrVariant =
    std::variant<std::monostate, float, std::int64_t, std::string, Tensor, std::shared_ptr<Graph>, Floats, Ints, Strings, std::vector<Tensor>,
                 std::vector<std::shared_ptr<Graph>>, SparseTensor, std::vector<SparseTensor>, Type, std::vector<Type>>;
struct AttrValue : AttrVariant {
  using AttrVariant::AttrVariant;
  using AttrVariant::operator=;
  AttrValue() = default;
  AttrValue(const AttrValue&);
  AttrValue(AttrValue&&) noexcept;
  AttrValue& operator=(const AttrValue&);
  AttrValue& operator=(AttrValue&&) noexcept;
  ~AttrValue();
};

struct AttrExtra {
  std::string ref_attr_name;  // inside a function body: the value is the caller's attribute of this name
  AttrType ref_type = AttrType::undefined;
  std::string doc_string, unknown;
};

struct Attribute {
  std::string name;
  AttrValue value;
  std::shared_ptr<const AttrExtra> extra;  // null in nearly all

  Attribute() = default;
  Attribute(std::string n, AttrValue v) : name(std::move(n)), value(std::move(v)) {}
  Attribute(const Attribute&);
  Attribute(Attribute&&) noexcept;
  Attribute& operator=(const Attribute&);
  Attribute& operator=(Attribute&&) noexcept;
  ~Attribute();
  AttrType type() const { return is_ref() ? extra->ref_type : static_cast<AttrType>(value.index()); }
  bool is_ref() const { return extra && !extra->ref_attr_name.empty(); }
};

// A node's explicitly stated attributes, in file order. Small: linear search.
class Attrs {
 public:
  Attrs() = default;
  Attrs(std::initializer_list<Attribute> list);
  Attrs(const Attrs&);
  Attrs(Attrs&&) noexcept;
  Attrs& operator=(const Attrs&);
  Attrs& operator=(Attrs&&) noexcept;
  ~Attrs();
  const Attribute* find(std::string_view name) const;
  Attribute* find(std::string_view name);
  bool has(std::string_view name) const { return find(name) != nullptr; }
  // Pointer to the explicit value of type T; null if absent, a reference, or of another type.
  template <class T>
  const T* get(std::string_view name) const {
    const Attribute* a = find(name);
    return a && !a->is_ref() ? std::get_if<T>(&a->value) : nullptr;
  }
  Attrs& set(std::string name, AttrValue value);  // replaces or appends
  Attrs& add(Attribute a);
  bool remove(std::string_view name);
  std::size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }
  auto begin() { return list_.begin(); }
  auto end() { return list_.end(); }

 private:
  std::vector<Attribute> list_;
};

// Same name, type and value. Graph attributes compare by pointer (ir/text/equal.h compares graphs by structure).
bool same_attribute(const Attribute& a, const Attribute& b);
bool same_attrs(const Attrs& a, const Attrs& b);  // order does not matter

}  // namespace onnxopt
