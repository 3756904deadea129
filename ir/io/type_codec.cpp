#include "ir/io/type_codec.h"

#include <algorithm>
#include <iterator>

#include "ir/io/fields.h"

namespace onnxopt {
namespace {

// Spellings that exporters use for "no name": taken as names they would wrongly make unrelated dims equal.
bool names_nothing(std::string_view s) {
  constexpr std::string_view kNothing[] = {"", "?", "*", "-1", "None", "none", "unk", "unknown"};
  return std::find(std::begin(kNothing), std::end(kNothing), s) != std::end(kNothing);
}

constexpr std::size_t kLongestExpression = 128;  // longer texts are names, so that no file can make us expand a huge polynomial

Dim read_dim(std::string_view message, const ReadContext& ctx, std::string& denotation) {
  Dim d;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (f.number == pb::dimension::dim_value && f.is(WireType::varint)) d = f.as_int() >= 0 ? Dim(f.as_int()) : Dim();
    if (f.number == pb::dimension::denotation && f.is(WireType::bytes)) denotation = f.bytes;
    if (f.number != pb::dimension::dim_param || !f.is(WireType::bytes)) continue;
    if (names_nothing(f.bytes)) d = Dim();
    else d = f.bytes.size() <= kLongestExpression ? ctx.symbols->parse(f.bytes) : ctx.symbols->symbol(f.bytes);
  }
  return d;
}

Shape read_shape(std::string_view message, const ReadContext& ctx, TypeNotes* notes) {
  Shape shape;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (f.number != pb::shape::dim || !f.is(WireType::bytes)) continue;
    std::string denotation;
    shape.push_back(read_dim(f.bytes, ctx, denotation));
    if (!notes || (denotation.empty() && notes->dim_denotations.empty())) continue;
    notes->dim_denotations.resize(shape.size());
    notes->dim_denotations.back() = std::move(denotation);
  }
  if (notes && !notes->dim_denotations.empty()) notes->dim_denotations.resize(shape.size());
  return shape;
}

DType read_dtype(const WireField& f) { return is_known_dtype(f.as_int()) ? static_cast<DType>(f.value) : DType::undefined; }

Type read_tensor_type(std::string_view message, Type::Kind kind, const ReadContext& ctx, TypeNotes* notes) {
  Type t;
  t.kind = kind;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (f.number == pb::tensor_type::elem_type && f.is(WireType::varint)) t.dtype = read_dtype(f);
    if (f.number == pb::tensor_type::shape && f.is(WireType::bytes)) t.shape = read_shape(f.bytes, ctx, notes);
  }
  return t;
}

Type read_any(std::string_view message, const ReadContext& ctx, TypeNotes* notes);

Type read_container(std::string_view message, Type::Kind kind, const ReadContext& ctx) {
  Type t;
  t.kind = kind;
  const bool is_map = kind == Type::Kind::map;
  const std::uint32_t element = is_map ? std::uint32_t{pb::map_type::value_type} : std::uint32_t{pb::container_type::elem_type};
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (is_map && f.number == pb::map_type::key_type && f.is(WireType::varint)) t.dtype = read_dtype(f);
    if (f.number == element && f.is(WireType::bytes)) t.elem = std::make_shared<const Type>(read_any(f.bytes, ctx, nullptr));
  }
  return t;
}

Type read_any(std::string_view message, const ReadContext& ctx, TypeNotes* notes) {
  const DepthGuard guard(ctx);
  Type t;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (!f.is(WireType::bytes)) continue;
    switch (f.number) {
      case pb::type::tensor_type: t = read_tensor_type(f.bytes, Type::Kind::tensor, ctx, notes); break;
      case pb::type::sparse_tensor_type: t = read_tensor_type(f.bytes, Type::Kind::sparse_tensor, ctx, notes); break;
      case pb::type::sequence_type: t = read_container(f.bytes, Type::Kind::sequence, ctx); break;
      case pb::type::optional_type: t = read_container(f.bytes, Type::Kind::optional, ctx); break;
      case pb::type::map_type: t = read_container(f.bytes, Type::Kind::map, ctx); break;
      case pb::type::opaque_type:
        t = Type();
        t.kind = Type::Kind::opaque;
        break;
      case pb::type::denotation:
        if (notes) notes->denotation = f.bytes;
        break;
      default: break;
    }
  }
  return t;
}

void write_shape(WireWriter& out, const Shape& shape, const SymbolTable& symbols, const std::vector<std::string>& denotations) {
  for (std::size_t i = 0; i < shape.size(); ++i)
    out.message(pb::shape::dim, [&] {
      const Dim& d = shape[i];
      if (d.is_value()) out.sint(pb::dimension::dim_value, d.value());
      else if (d.is_symbolic() && !symbols.is_anonymous(d)) out.bytes(pb::dimension::dim_param, symbols.to_string(d));
      if (i < denotations.size()) out.text(pb::dimension::denotation, denotations[i]);
    });
}

// Number of the field of TypeProto.value; 0: none.
std::uint32_t field_of(Type::Kind kind) {
  switch (kind) {
    case Type::Kind::tensor: return pb::type::tensor_type;
    case Type::Kind::sparse_tensor: return pb::type::sparse_tensor_type;
    case Type::Kind::sequence: return pb::type::sequence_type;
    case Type::Kind::optional: return pb::type::optional_type;
    case Type::Kind::map: return pb::type::map_type;
    case Type::Kind::opaque: return pb::type::opaque_type;
    default: return 0;
  }
}

void write_value(WireWriter& out, const Type& type, const SymbolTable& symbols, const std::vector<std::string>& denotations) {
  if (type.kind == Type::Kind::tensor || type.kind == Type::Kind::sparse_tensor) {
    if (type.dtype != DType::undefined) out.uint(pb::tensor_type::elem_type, static_cast<std::uint64_t>(type.dtype));
    if (type.shape) out.message(pb::tensor_type::shape, [&] { write_shape(out, *type.shape, symbols, denotations); });
    return;
  }
  const bool is_map = type.kind == Type::Kind::map;
  if (is_map) out.uint(pb::map_type::key_type, static_cast<std::uint64_t>(type.dtype));
  if (type.elem)
    out.message(is_map ? std::uint32_t{pb::map_type::value_type} : std::uint32_t{pb::container_type::elem_type},
                [&] { write_type(out, *type.elem, symbols); });
}

}  // namespace

Type read_type(std::string_view message, const ReadContext& ctx, TypeNotes& notes) {
  Type t = read_any(message, ctx, &notes);
  std::string again;
  serialize_to(again, [&](WireWriter& out) { write_type(out, t, *ctx.symbols, notes); });
  if (again != message) notes.verbatim = message;
  return t;
}

void write_type(WireWriter& out, const Type& type, const SymbolTable& symbols, const TypeNotes& notes) {
  if (const std::uint32_t field = field_of(type.kind)) out.message(field, [&] { write_value(out, type, symbols, notes.dim_denotations); });
  out.text(pb::type::denotation, notes.denotation);
}

}  // namespace onnxopt
