#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>

#include "ir/text/parser.h"

namespace onnxopt::text {
namespace {

struct AttrTypeName {
  std::string_view name;
  AttrType type;
};
constexpr std::array<AttrTypeName, 15> kAttrTypes = {{
    {"undefined", AttrType::undefined},
    {"float", AttrType::float_},
    {"int", AttrType::int_},
    {"string", AttrType::string},
    {"tensor", AttrType::tensor},
    {"graph", AttrType::graph},
    {"floats", AttrType::floats},
    {"ints", AttrType::ints},
    {"strings", AttrType::strings},
    {"tensors", AttrType::tensors},
    {"graphs", AttrType::graphs},
    {"sparse_tensor", AttrType::sparse_tensor},
    {"sparse_tensors", AttrType::sparse_tensors},
    {"type_proto", AttrType::type_proto},
    {"type_protos", AttrType::type_protos},
}};

std::string_view name_of(AttrType t) {
  for (const AttrTypeName& row : kAttrTypes)
    if (row.type == t) return row.name;
  return "undefined";
}

// List type <-> type of its elements; undefined if there is none.
AttrType element_type(AttrType list) {
  switch (list) {
    case AttrType::floats: return AttrType::float_;
    case AttrType::ints: return AttrType::int_;
    case AttrType::strings: return AttrType::string;
    case AttrType::tensors: return AttrType::tensor;
    case AttrType::graphs: return AttrType::graph;
    case AttrType::sparse_tensors: return AttrType::sparse_tensor;
    case AttrType::type_protos: return AttrType::type_proto;
    default: return AttrType::undefined;
  }
}
AttrType list_type(AttrType element) {
  for (const AttrTypeName& row : kAttrTypes)
    if (element != AttrType::undefined && element_type(row.type) == element) return row.type;
  return AttrType::undefined;
}

AttrValue empty_list(AttrType list) {
  switch (list) {
    case AttrType::floats: return Floats();
    case AttrType::ints: return Ints();
    case AttrType::strings: return Strings();
    case AttrType::tensors: return std::vector<Tensor>();
    case AttrType::graphs: return std::vector<std::shared_ptr<Graph>>();
    case AttrType::sparse_tensors: return std::vector<SparseTensor>();
    case AttrType::type_protos: return std::vector<Type>();
    default: return {};
  }
}

}  // namespace

// At '<' or not; empty if not.
ParsedAttributes Parser::attributes(Scope& scope) {
  ParsedAttributes r;
  if (!lex_.accept('<')) return r;
  do r.push_back(attribute(scope));
  while (lex_.accept(','));
  lex_.expect('>', "after the attributes");
  return r;
}

ParsedAttribute Parser::attribute(Scope& scope) {
  ParsedAttribute a;
  a.attribute.name = lex_.quotable_id("an attribute name");
  AttrType type = AttrType::undefined;
  const std::size_t at = lex_.pos();
  bool typed = false;
  if (lex_.accept(':')) {
    const std::string_view word = lex_.identifier("an attribute type");
    for (const AttrTypeName& row : kAttrTypes)
      if (row.name == word) type = row.type, typed = true;
    if (!typed) lex_.fail_at(at, fmt::format("unknown attribute type '{}'", word));
  }
  lex_.expect('=', fmt::format("after attribute '{}'", a.attribute.name));
  const std::size_t value_at = lex_.pos();
  if (!typed && lex_.accept('[')) {
    if (lex_.peek() == ']') lex_.fail_at(value_at, fmt::format("an empty list needs its type: {}: ints = []", a.attribute.name));
    lex_.seek(value_at);
  }
  if (lex_.accept('@')) {
    auto extra = std::make_shared<AttrExtra>();
    extra->ref_attr_name = lex_.quotable_id("the name of the referenced attribute");
    extra->ref_type = type;
    a.attribute.extra = std::move(extra);
    return a;
  }
  AttrType found = type;
  if (lex_.peek() == '[') list_value(a, found, scope);
  else single_value(a, found, scope);
  if (typed && found != type)
    lex_.fail_at(value_at, fmt::format("attribute '{}' is declared {} and its value is {}", a.attribute.name, name_of(type), name_of(found)));
  return a;
}

// `type`: the declared type or undefined; set to the type of the value.
void Parser::list_value(ParsedAttribute& a, AttrType& type, Scope& scope) {
  const std::size_t at = lex_.pos();
  lex_.expect('[', "before a list");
  if (lex_.accept(']')) {
    a.attribute.value = empty_list(type);
    if (type != AttrType::undefined && element_type(type) == AttrType::undefined)
      lex_.fail_at(at, fmt::format("a list given for an attribute of type {}", name_of(type)));
    return;
  }
  AttrType element = element_type(type);
  if (type != AttrType::undefined && element == AttrType::undefined)
    lex_.fail_at(at, fmt::format("a list given for an attribute of type {}", name_of(type)));
  do {
    const std::size_t item_at = lex_.pos();
    ParsedAttribute item;
    AttrType item_type = element;
    single_value(item, item_type, scope);
    if (element != AttrType::undefined && item_type != element)
      lex_.fail_at(item_at, fmt::format("a {} in a list of {}", name_of(item_type), name_of(list_type(element))));
    if (element == AttrType::undefined || a.attribute.value.index() == 0) {
      element = item_type;
      a.attribute.value = empty_list(list_type(element));
    }
    append_to_list(a, std::move(item), item_type, item_at);
  } while (lex_.accept(','));
  lex_.expect(']', "after the list");
  type = list_type(element);
}

void Parser::append_to_list(ParsedAttribute& list, ParsedAttribute&& item, AttrType item_type, std::size_t at) {
  AttrValue& to = list.attribute.value;
  AttrValue& from = item.attribute.value;
  switch (item_type) {
    case AttrType::float_: return std::get<Floats>(to).push_back(std::get<float>(from));
    case AttrType::int_: return std::get<Ints>(to).push_back(std::get<std::int64_t>(from));
    case AttrType::string: return std::get<Strings>(to).push_back(std::move(std::get<std::string>(from)));
    case AttrType::tensor: return std::get<std::vector<Tensor>>(to).push_back(std::get<Tensor>(from));
    case AttrType::sparse_tensor: return std::get<std::vector<SparseTensor>>(to).push_back(std::get<SparseTensor>(from));
    case AttrType::type_proto: return std::get<std::vector<Type>>(to).push_back(std::get<Type>(from));
    case AttrType::graph: return list.graphs.push_back(std::move(item.graphs[0]));
    default: lex_.fail_at(at, "this value cannot stand in a list");
  }
}

void Parser::single_value(ParsedAttribute& a, AttrType& type, Scope& scope) {
  if (lex_.peek() == '"') {
    a.attribute.value = lex_.string_literal("a string");
    type = AttrType::string;
  } else if (lex_.at_number()) {
    number_value(a, type);
  } else if (at_type()) {
    typed_value(a, type);
  } else if (lex_.at_identifier()) {
    const Nesting nesting(*this);
    auto sub = std::make_shared<Graph>(model_);
    graph(*sub, &scope);
    a.graphs.push_back(std::move(sub));
    a.attribute.value = std::shared_ptr<Graph>();  // its node adopts it
    type = AttrType::graph;
  } else {
    lex_.fail(fmt::format("expected the value of attribute '{}'", a.attribute.name));
  }
}

void Parser::number_value(ParsedAttribute& a, AttrType& type) {
  const std::size_t at = lex_.pos();
  const Lexer::Number n = lex_.number("a number");
  if (n.is_float || type == AttrType::float_) {
    float v = 0;
    if (!to_number(n.text, v)) lex_.fail_at(at, fmt::format("{} is not a 32-bit float", n.text));
    if (n.text == "nan" && lex_.accept('(')) {  // a NaN with other bits than the usual one
      const std::string_view digits = lex_.number("0x and hexadecimal digits").text == "0" ? lex_.identifier("hexadecimal digits") : "";
      std::uint32_t bits = 0;
      const char* end = digits.data() + digits.size();
      if (digits.size() != 9 || digits[0] != 'x' || std::from_chars(digits.data() + 1, end, bits, 16).ptr != end)
        lex_.fail_at(at, "expected nan(0x) with 8 digits");
      v = std::bit_cast<float>(bits);
      lex_.expect(')', "after the bits of a NaN");
    }
    a.attribute.value = v;
    type = AttrType::float_;
    return;
  }
  std::int64_t v = 0;
  if (!to_number(n.text, v)) lex_.fail_at(at, fmt::format("{} is not a 64-bit integer", n.text));
  a.attribute.value = v;
  type = AttrType::int_;
}

// A type: alone it is a type_proto, with data a tensor.
void Parser::typed_value(ParsedAttribute& a, AttrType& type) {
  const std::size_t at = lex_.pos();
  const Type t = this->type();
  const char next = lex_.peek();
  if (next != '{' && next != '=' && !lex_.at_quotable_id()) {
    a.attribute.value = t;
    type = AttrType::type_proto;
    return;
  }
  std::string name;
  if (lex_.at_quotable_id()) name = lex_.quotable_id("a name");
  lex_.accept('=');
  if (t.kind == Type::Kind::sparse_tensor) {
    a.attribute.value = sparse_tensor(t, &name);
    type = AttrType::sparse_tensor;
    return;
  }
  Tensor data = parse_tensor_data(lex_, t.dtype, constant_dims(t, at), limits_);
  if (!name.empty()) {
    TensorNotes notes = data.notes() ? *data.notes() : TensorNotes();
    notes.name = std::move(name);
    data = data.with_notes(std::move(notes));
  }
  a.attribute.value = std::move(data);
  type = AttrType::tensor;
}

// After `sparse_tensor(T[dims]) name? =?`: { values, indices }, both tensor constants. `name`: of the values, as SparseTensorProto keeps it.
SparseTensor Parser::sparse_tensor(const Type& type, std::string* name) {
  const std::size_t at = lex_.pos();
  Type dense = type;
  dense.kind = Type::Kind::tensor;
  SparseTensor r;
  r.dims = constant_dims(dense, at);
  lex_.expect('{', "before the values of a sparse tensor");
  const auto part = [&](std::string part_name) {
    const std::size_t part_at = lex_.pos();
    const Type t = this->type();
    if (lex_.at_quotable_id()) part_name = lex_.quotable_id("a name");
    lex_.accept('=');
    Tensor data = parse_tensor_data(lex_, t.dtype, constant_dims(t, part_at), limits_);
    if (part_name.empty()) return data;
    TensorNotes notes = data.notes() ? *data.notes() : TensorNotes();
    notes.name = std::move(part_name);
    return data.with_notes(std::move(notes));
  };
  r.values = part(name ? *name : std::string());
  lex_.expect(',', "between values and indices of a sparse tensor");
  r.indices = part({});
  lex_.expect('}', "after a sparse tensor");
  if (r.values.dtype() != type.dtype || r.values.rank() != 1 || r.indices.dtype() != DType::int64)
    lex_.fail_at(at, "a sparse tensor needs values [NNZ] of its element type and int64 indices");
  return r;
}

}  // namespace onnxopt::text
