#include <fmt/format.h>

#include <array>

#include "ir/text/parser.h"

namespace onnxopt::text {
namespace {

constexpr std::array<std::string_view, 5> kTypeWords = {"seq", "map", "optional", "sparse_tensor", "opaque"};
constexpr std::size_t kMaxOpaqueName = 50;  // two of them and their tags fit into a one-byte length

// As the reader of files does: a long text is a name, so that no text can make us expand a huge polynomial.
constexpr std::size_t kLongestExpression = 128;
Dim named_dim(const std::string& text, SymbolTable& symbols) {
  if (text.empty()) return {};
  return text.size() <= kLongestExpression ? symbols.parse(text) : symbols.symbol(text);
}

}  // namespace

bool Parser::at_type() {
  const std::string_view id = lex_.peek_identifier();
  if (id.empty()) return false;
  if (dtype_from_name(id) != DType::undefined || id == "undefined") return true;
  for (std::string_view word : kTypeWords)
    if (id == word) return true;
  return false;
}

Type Parser::type() {
  const Nesting nesting(*this);
  const std::size_t at = lex_.pos();
  const std::string_view id = lex_.identifier("a type");
  if (const DType dtype = dtype_from_name(id); dtype != DType::undefined || id == "undefined") return shaped(Type::Kind::tensor, dtype);
  if (id == "opaque") return opaque_type();
  Type r;
  if (id == "seq") r.kind = Type::Kind::sequence;
  else if (id == "optional") r.kind = Type::Kind::optional;
  else if (id == "map") r.kind = Type::Kind::map;
  else if (id == "sparse_tensor") r.kind = Type::Kind::sparse_tensor;
  else lex_.fail_at(at, fmt::format("unknown type '{}'", id));
  lex_.expect('(', fmt::format("after '{}'", id));
  if (r.kind == Type::Kind::sparse_tensor) {
    const std::string_view element = lex_.identifier("an element type");
    const DType dtype = dtype_from_name(element);
    if (dtype == DType::undefined && element != "undefined") lex_.fail_at(at, fmt::format("unknown element type '{}'", element));
    r = shaped(Type::Kind::sparse_tensor, dtype);
  } else {
    if (r.kind == Type::Kind::map) {
      const std::string_view key = lex_.identifier("a key type");
      r.dtype = dtype_from_name(key);
      if (r.dtype == DType::undefined && key != "undefined") lex_.fail_at(at, fmt::format("unknown key type '{}'", key));
      lex_.expect(',', "between key and value type");
    }
    Type element;
    if (lex_.peek() != ')') element = type();
    r.elem = std::make_shared<const Type>(std::move(element));
  }
  lex_.expect(')', "after the element type");
  return r;
}

// After the element type: nothing is a scalar, [] unknown rank.
Type Parser::shaped(Type::Kind kind, DType dtype) {
  Type r;
  r.kind = kind;
  r.dtype = dtype;
  if (!lex_.accept('[')) {
    r.shape = Shape();
    return r;
  }
  if (lex_.accept(']')) return r;
  Shape shape;
  do {
    if (lex_.accept('?')) shape.emplace_back();
    else if (lex_.at_quotable_id()) shape.push_back(named_dim(lex_.quotable_id("a dimension"), model_.symbols()));
    else shape.emplace_back(lex_.integer("a dimension"));
  } while (lex_.accept(','));
  lex_.expect(']', "after the dimensions");
  r.shape = std::move(shape);
  return r;
}

// After 'opaque': (), (name) or (domain, name). Type cannot hold the names; their TypeProto goes into opaque_bytes_.
Type Parser::opaque_type() {
  const std::size_t at = lex_.pos();
  std::string domain, name;
  lex_.expect('(', "after 'opaque'");
  if (lex_.peek() != ')') {
    name = lex_.identifier("a name");
    while (lex_.accept('.')) name += '.' + std::string(lex_.identifier("a name after '.'"));
    if (lex_.accept(',')) {
      domain = std::move(name);
      name = lex_.identifier("a name");
    }
  }
  lex_.expect(')', "after 'opaque('");
  if (domain.size() > kMaxOpaqueName || name.size() > kMaxOpaqueName) lex_.fail_at(at, "name of an opaque type is too long");
  opaque_bytes_ = encode_opaque(domain, name);
  Type r;
  r.kind = Type::Kind::opaque;
  return r;
}

Dims Parser::constant_dims(const Type& type, std::size_t at) {
  if (type.kind != Type::Kind::tensor || !type.shape) lex_.fail_at(at, "a constant needs a tensor type with known dimensions");
  Dims dims;
  for (const Dim& d : *type.shape) {
    if (!d.is_value() || d.value() < 0) lex_.fail_at(at, "a constant's dimensions must be numbers");
    dims.push_back(d.value());
  }
  return dims;
}

}  // namespace onnxopt::text
