#include "ir/io/value_io.h"

#include <fmt/format.h>

#include "ir/io/fields.h"
#include "ir/io/mapped_file.h"
#include "ir/io/model_writer.h"
#include "ir/io/read_tensor.h"
#include "ir/io/write_file.h"

namespace onnxopt {
namespace {

using Kind = FileValue::Kind;

// SequenceProto.DataType and OptionalProto.DataType.
enum ElementKind : int { kTensor = 1, kSparse = 2, kSequence = 3, kMap = 4, kOptional = 5 };

FileValue read_sequence(std::string_view message, const ReadContext& ctx);
FileValue read_map(std::string_view message, const ReadContext& ctx);
FileValue read_optional(std::string_view message, const ReadContext& ctx);

FileValue tensor_value(std::string_view message, const ReadContext& ctx) {
  FileValue v;
  v.kind = Kind::tensor;
  std::string_view name;
  v.tensor = read_tensor(message, ctx, &name);
  v.name = name;
  return v;
}

FileValue sparse_value(std::string_view message, const ReadContext& ctx) {
  FileValue v;
  v.kind = Kind::sparse_tensor;
  auto sparse = std::make_shared<SparseTensor>(read_sparse_tensor(message, ctx));
  if (sparse->values.notes()) v.name = sparse->values.notes()->name;
  v.sparse = std::move(sparse);
  return v;
}

FileValue read_element(int kind, std::string_view message, const ReadContext& ctx) {
  switch (kind) {
    case kTensor: return tensor_value(message, ctx);
    case kSparse: return sparse_value(message, ctx);
    case kSequence: return read_sequence(message, ctx);
    case kMap: return read_map(message, ctx);
    default: return read_optional(message, ctx);
  }
}

FileValue read_sequence(std::string_view message, const ReadContext& ctx) {
  const DepthGuard guard(ctx);
  FileValue v;
  v.kind = Kind::sequence;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    const bool bytes = f.is(WireType::bytes);
    if (f.number == pb::sequence::name && bytes) v.name = f.bytes;
    else if (f.number == pb::sequence::elem_type && f.is(WireType::varint)) v.element_kind = static_cast<int>(f.value);
    else if (f.number >= pb::sequence::tensor_values && f.number <= pb::sequence::optional_values && bytes)
      v.elements.push_back(read_element(static_cast<int>(f.number - pb::sequence::tensor_values) + kTensor, f.bytes, ctx));
  }
  return v;
}

FileValue read_map(std::string_view message, const ReadContext& ctx) {
  const DepthGuard guard(ctx);
  FileValue v;
  v.kind = Kind::map;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    const bool bytes = f.is(WireType::bytes);
    if (f.number == pb::map::name && bytes) v.name = f.bytes;
    else if (f.number == pb::map::key_type && f.is(WireType::varint))
      v.key = is_known_dtype(f.as_int()) ? static_cast<DType>(f.value) : DType::undefined;
    else if (f.number == pb::map::string_keys && bytes) v.string_keys.emplace_back(f.bytes);
    else if (f.number == pb::map::keys && f.is(WireType::varint)) v.int_keys.push_back(f.as_int());
    else if (f.number == pb::map::keys && bytes)
      for (WireReader packed(f.bytes, ctx.base); !packed.at_end();) v.int_keys.push_back(static_cast<std::int64_t>(packed.varint()));
    else if (f.number == pb::map::values && bytes) {
      FileValue values = read_sequence(f.bytes, ctx);
      v.elements = std::move(values.elements);
      v.element_kind = values.element_kind;
    }
  }
  if (v.int_keys.size() + v.string_keys.size() != v.elements.size())
    bad_input(fmt::format("map '{}' has {} keys and {} values", v.name, v.int_keys.size() + v.string_keys.size(), v.elements.size()));
  return v;
}

FileValue read_optional(std::string_view message, const ReadContext& ctx) {
  const DepthGuard guard(ctx);
  FileValue v;
  std::string name;
  int element_kind = 0;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    const bool bytes = f.is(WireType::bytes);
    if (f.number == pb::optional::name && bytes) name = f.bytes;
    else if (f.number == pb::optional::elem_type && f.is(WireType::varint)) element_kind = static_cast<int>(f.value);
    else if (f.number >= pb::optional::tensor_value && f.number <= pb::optional::optional_value && bytes)
      v = read_element(static_cast<int>(f.number - pb::optional::tensor_value) + kTensor, f.bytes, ctx);
  }
  if (!name.empty()) v.name = name;
  if (v.kind == Kind::none) v.element_kind = element_kind;
  return v;
}

int element_kind_of(const FileValue& v) {
  switch (v.kind) {
    case Kind::tensor: return kTensor;
    case Kind::sparse_tensor: return kSparse;
    case Kind::sequence: return kSequence;
    case Kind::map: return kMap;
    default: return kOptional;
  }
}

void write_any(WireWriter& out, const FileValue& v);

void write_sequence(WireWriter& out, const FileValue& v, std::string_view name) {
  const int kind = v.elements.empty() ? v.element_kind : element_kind_of(v.elements[0]);
  out.text(pb::sequence::name, name);
  out.uint(pb::sequence::elem_type, static_cast<std::uint64_t>(kind));
  for (const FileValue& e : v.elements)
    out.message(static_cast<std::uint32_t>(pb::sequence::tensor_values + element_kind_of(e) - kTensor), [&] { write_any(out, e); });
}

void write_any(WireWriter& out, const FileValue& v) {
  switch (v.kind) {
    case Kind::tensor: write_tensor(out, v.tensor, v.name, nullptr); break;
    case Kind::sparse_tensor: write_sparse_tensor(out, *v.sparse, v.name); break;
    case Kind::sequence: write_sequence(out, v, v.name); break;
    case Kind::map:
      out.text(pb::map::name, v.name);
      out.uint(pb::map::key_type, static_cast<std::uint64_t>(v.key));
      for (const std::int64_t k : v.int_keys) out.sint(pb::map::keys, k);
      for (const std::string& k : v.string_keys) out.bytes(pb::map::string_keys, k);
      out.message(pb::map::values, [&] { write_sequence(out, v, ""); });
      break;
    default:  // an empty optional
      out.text(pb::optional::name, v.name);
      out.uint(pb::optional::elem_type, static_cast<std::uint64_t>(v.element_kind));
  }
}

void write_optional(WireWriter& out, const FileValue& v) {
  if (v.kind == Kind::none) return write_any(out, v);
  const int kind = element_kind_of(v);
  FileValue inner = v;
  inner.name.clear();  // the optional has the name
  out.text(pb::optional::name, v.name);
  out.uint(pb::optional::elem_type, static_cast<std::uint64_t>(kind));
  out.message(static_cast<std::uint32_t>(pb::optional::tensor_value + kind - kTensor), [&] { write_any(out, inner); });
}

FileValue read_message(std::string_view message, const ReadContext& ctx, const Type& type) {
  switch (type.kind) {
    case Type::Kind::optional: return read_optional(message, ctx);
    case Type::Kind::sequence: return read_sequence(message, ctx);
    case Type::Kind::map: return read_map(message, ctx);
    case Type::Kind::sparse_tensor: return sparse_value(message, ctx);
    default: return tensor_value(message, ctx);
  }
}

ReadContext context_of(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  ReadContext ctx;
  ctx.base = reinterpret_cast<const char*>(bytes.data());
  ctx.owner = std::move(owner);
  return ctx;
}

}  // namespace

FileValue read_value(const std::filesystem::path& file, const Type& type) {
  const auto mapped = MappedFile::open(file);
  return with_context(file.string(), [&] {
    ReadContext ctx = context_of(mapped->bytes(), mapped);
    ctx.on_disk = true;
    return read_message({ctx.base, mapped->bytes().size()}, ctx, type);
  });
}

FileValue read_value(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const Type& type) {
  if (!owner) {
    auto copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
    bytes = *copy;
    owner = std::move(copy);
  }
  const ReadContext ctx = context_of(bytes, std::move(owner));
  return read_message({ctx.base, bytes.size()}, ctx, type);
}

std::string serialize_value(const FileValue& value, const Type& type) {
  std::string out;
  serialize_to(out, [&](WireWriter& w) {
    if (type.kind == Type::Kind::optional) write_optional(w, value);
    else write_any(w, value);
  });
  return out;
}

void write_value(const FileValue& value, const Type& type, const std::filesystem::path& file) { write_file(file, serialize_value(value, type)); }

}  // namespace onnxopt
