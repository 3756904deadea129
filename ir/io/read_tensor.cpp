#include "ir/io/read_tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ir/io/fields.h"

namespace onnxopt {
namespace {

// The fields of a TensorProto as they stand; element data is only located here.
struct RawTensor {
  Dims dims;
  std::int64_t data_type = 0;
  std::string_view name;
  std::string_view raw_data;
  bool has_raw = false;
  std::uint32_t data_field = 0;  // number of the typed field in use
  std::size_t chunks = 0;        // how often it occurs
  WireField chunk;               // its last occurrence
  bool mixed = false;            // more than one kind of data field
  std::vector<std::pair<std::string, std::string>> external;
  bool is_external = false;
  TensorNotes notes;

  std::string shape_text() const { return fmt::format("{}[{}]", dtype_name(static_cast<DType>(data_type)), fmt::join(dims, ",")); }
};

void note_data(RawTensor& t, const WireField& f) {
  if (f.is(WireType::bytes) && f.bytes.empty() && f.number != pb::tensor::string_data) return;  // an empty packed field is no field
  if (t.data_field != 0 && t.data_field != f.number) t.mixed = true;
  t.data_field = f.number;
  t.chunk = f;
  ++t.chunks;
}

void read_dims(Dims& dims, const WireField& f, const ReadContext& ctx) {
  if (f.is(WireType::varint)) {
    dims.push_back(f.as_int());
  } else {
    WireReader packed(f.bytes, ctx.base);
    while (!packed.at_end()) dims.push_back(static_cast<std::int64_t>(packed.varint()));
  }
}

bool is_numbers(const WireField& f, WireType single) { return f.is(single) || f.is(WireType::bytes); }

RawTensor scan(std::string_view message, const ReadContext& ctx) {
  RawTensor t;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    using namespace pb;
    const bool bytes = f.is(WireType::bytes), varint = f.is(WireType::varint);
    if (f.number == tensor::dims && is_numbers(f, WireType::varint)) read_dims(t.dims, f, ctx);
    else if (f.number == tensor::data_type && varint) t.data_type = f.as_int();
    else if (f.number == tensor::name && bytes) t.name = f.bytes;
    else if (f.number == tensor::doc_string && bytes) t.notes.doc_string = f.bytes;
    else if (f.number == tensor::raw_data && bytes) {
      t.raw_data = f.bytes;
      t.has_raw = true;
    } else if ((f.number == tensor::int32_data || f.number == tensor::int64_data || f.number == tensor::uint64_data) &&
               is_numbers(f, WireType::varint))
      note_data(t, f);
    else if (f.number == tensor::float_data && is_numbers(f, WireType::fixed32)) note_data(t, f);
    else if (f.number == tensor::double_data && is_numbers(f, WireType::fixed64)) note_data(t, f);
    else if (f.number == tensor::string_data && bytes) note_data(t, f);
    else if (f.number == tensor::external_data && bytes) t.external.push_back(read_string_entry(f.bytes, ctx));
    else if (f.number == tensor::data_location && varint) t.is_external = f.value == 1;
    else if (f.number == tensor::metadata_props && bytes) t.notes.metadata.push_back(read_string_entry(f.bytes, ctx));
    else keep_unknown(t.notes.unknown, f);
  }
  return t;
}

// The typed field that holds elements of type t (comments of TensorProto).
std::uint32_t field_of(DType t) {
  switch (t) {
    case DType::float32:
    case DType::complex64: return pb::tensor::float_data;
    case DType::float64:
    case DType::complex128: return pb::tensor::double_data;
    case DType::int64: return pb::tensor::int64_data;
    case DType::uint32:
    case DType::uint64: return pb::tensor::uint64_data;
    case DType::string: return pb::tensor::string_data;
    default: return pb::tensor::int32_data;
  }
}

[[noreturn]] void wrong_size(const RawTensor& t, std::uint64_t needed, std::uint64_t held, const char* unit) {
  bad_input(fmt::format("{} needs {} {} but the file holds {}; the model is damaged or was cut", t.shape_text(), needed, unit, held));
}

Tensor from_file(const RawTensor& t, DType dtype, std::string_view bytes, const ReadContext& ctx) {
  FileRange range;
  if (ctx.on_disk) range = {ctx.owner, static_cast<std::uint64_t>(bytes.data() - ctx.base)};
  return Tensor::from_view(dtype, t.dims, {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, ctx.owner, std::move(range));
}

// Calls f(number) for each element of the typed numeric field, packed or not.
template <class F>
void for_each_number(std::string_view message, const RawTensor& t, const ReadContext& ctx, F&& f) {
  const int width = t.data_field == pb::tensor::float_data ? 4 : t.data_field == pb::tensor::double_data ? 8 : 0;
  WireReader in(message, ctx.base);
  for (WireField field; in.next(field);) {
    if (field.number != t.data_field) continue;
    if (!field.is(WireType::bytes)) {
      if (field.is(WireType::varint) == (width == 0) && !field.is(WireType::start_group)) f(field.value);
      continue;
    }
    WireReader packed(field.bytes, ctx.base);
    while (!packed.at_end()) f(width == 0 ? packed.varint() : packed.fixed(width));
  }
}

void put_bytes(std::vector<std::byte>& out, std::size_t at, std::uint64_t value, std::size_t width) {
  std::memcpy(out.data() + at, &value, width);  // little-endian host and format
}

// 6-bit elements come one a number and are packed into a bit stream, low bits first.
void put_bits6(std::vector<std::byte>& out, std::size_t index, std::uint64_t value) {
  const std::size_t bit = index * 6;
  const auto wide = static_cast<std::uint32_t>((value & 0x3F) << (bit % 8));
  out[bit / 8] |= static_cast<std::byte>(wide & 0xFF);
  if (wide > 0xFF) out[bit / 8 + 1] |= static_cast<std::byte>(wide >> 8);
}

Tensor decode_numbers(std::string_view message, const RawTensor& t, DType dtype, const ReadContext& ctx) {
  const std::size_t size = raw_byte_size(dtype, t.dims);
  const int bits = bit_width(dtype);
  const bool six = bits == 6;
  // Bytes one number of the field stands for: 4- and 2-bit types come packed, a byte a number; complex numbers are two numbers.
  const auto width = static_cast<std::size_t>(t.data_field == pb::tensor::float_data    ? 4
                                              : t.data_field == pb::tensor::double_data ? 8
                                              : bits < 8                                ? 1
                                                                                        : bits / 8);
  const std::uint64_t needed = six ? static_cast<std::uint64_t>(element_count(t.dims)) : size / width;
  if (needed > message.size()) wrong_size(t, needed, 0, "numbers (more than the message has bytes)");
  std::vector<std::byte> out(size);
  std::uint64_t count = 0;
  for_each_number(message, t, ctx, [&](std::uint64_t v) {
    if (count < needed) {
      if (dtype == DType::boolean) v = v != 0;
      if (six) put_bits6(out, count, v);
      else put_bytes(out, count * width, v, width);
    }
    ++count;
  });
  if (count != needed) wrong_size(t, needed, count, "numbers");
  return Tensor::from_bytes(dtype, t.dims, std::move(out));
}

Tensor decode_strings(std::string_view message, const RawTensor& t, const ReadContext& ctx) {
  const std::int64_t needed = element_count(t.dims);
  if (t.chunks != static_cast<std::uint64_t>(needed)) wrong_size(t, static_cast<std::uint64_t>(needed), t.chunks, "strings");
  std::vector<std::string> strings;
  strings.reserve(t.chunks);
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);)
    if (f.number == pb::tensor::string_data && f.is(WireType::bytes)) strings.emplace_back(f.bytes);
  return Tensor::from_strings(t.dims, std::move(strings));
}

Tensor map_external(const RawTensor& t, DType dtype, const ReadContext& ctx) {
  if (dtype == DType::string) bad_input("strings cannot be stored as external data");
  const ExternalRef ref = parse_external_ref(t.external);
  const std::uint64_t size = raw_byte_size(dtype, t.dims);
  if (!ctx.external) bad_input("external data is not allowed here");
  const auto& file = ctx.external->open(ref.location);
  if (!t.raw_data.empty() || t.data_field != 0) bad_input("tensor has external data and data inside as well");
  if (ref.has_length && ref.length != size) wrong_size(t, size, ref.length, "bytes (external data 'length')");
  if (ref.offset > file->size() || size > file->size() - ref.offset)
    bad_input(fmt::format("external data '{}' has {} bytes, but the tensor wants {} bytes from offset {}; the file is cut or another one",
                          ref.location, file->size(), size, ref.offset));
  if (ctx.verify_checksums && !ref.checksum.empty() && ctx.external->sha1(ref.location) != ref.checksum)
    bad_input(fmt::format("external data '{}' has SHA-1 {}, but the model says {}; the file was changed", ref.location,
                          ctx.external->sha1(ref.location), ref.checksum));
  return Tensor::from_view(dtype, t.dims, file->bytes().subspan(ref.offset, size), file, {file, ref.offset});
}

Tensor read_elements(std::string_view message, const RawTensor& t, DType dtype, const ReadContext& ctx) {
  if (t.is_external) return map_external(t, dtype, ctx);
  if (t.mixed || (t.has_raw && !t.raw_data.empty() && t.data_field != 0)) bad_input("tensor holds its data in more than one field");
  const std::size_t size = dtype == DType::string ? 0 : raw_byte_size(dtype, t.dims);
  if (t.data_field == 0) {
    if (dtype == DType::string) {
      if (!t.raw_data.empty()) bad_input("a string tensor must hold string_data, not raw_data");
      if (element_count(t.dims) != 0) wrong_size(t, static_cast<std::uint64_t>(element_count(t.dims)), 0, "strings");
      return Tensor::from_strings(t.dims, {});
    }
    if (t.raw_data.size() != size) wrong_size(t, size, t.raw_data.size(), "bytes");
    return size == 0 ? Tensor::from_bytes(dtype, t.dims, {}) : from_file(t, dtype, t.raw_data, ctx);
  }
  if (t.data_field != field_of(dtype)) bad_input(fmt::format("{} holds its data in a field for another type", t.shape_text()));
  if (dtype == DType::string) return decode_strings(message, t, ctx);
  const bool same_as_raw = t.data_field == pb::tensor::float_data || t.data_field == pb::tensor::double_data;
  if (same_as_raw && t.chunks == 1 && t.chunk.is(WireType::bytes)) {
    if (t.chunk.bytes.size() != size) wrong_size(t, size, t.chunk.bytes.size(), "bytes");
    return from_file(t, dtype, t.chunk.bytes, ctx);
  }
  return decode_numbers(message, t, dtype, ctx);
}

}  // namespace

std::pair<std::string, std::string> read_string_entry(std::string_view message, const ReadContext& ctx) {
  std::pair<std::string, std::string> r;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (!f.is(WireType::bytes)) continue;
    if (f.number == pb::string_entry::key) r.first = f.bytes;
    if (f.number == pb::string_entry::value) r.second = f.bytes;
  }
  return r;
}

Tensor read_tensor(std::string_view message, const ReadContext& ctx, std::string_view* name) {
  const DepthGuard guard(ctx);
  RawTensor t = scan(message, ctx);
  return in_context([&] { return fmt::format("tensor '{}'", t.name); },
                    [&] {
                      if (t.data_type == 0) bad_input("has no element type (data_type is not set)");
                      if (!is_known_dtype(t.data_type)) bad_input(fmt::format("element type {} is not known", t.data_type));
                      const auto dtype = static_cast<DType>(t.data_type);
                      Tensor r = read_elements(message, t, dtype, ctx);
                      if (name) *name = t.name;
                      else t.notes.name = t.name;
                      const TensorNotes& n = t.notes;
                      if (n.name.empty() && n.doc_string.empty() && n.metadata.empty() && n.unknown.empty()) return r;
                      return r.with_notes(std::move(t.notes));
                    });
}

namespace {

void check_indices(const SparseTensor& s) {
  const bool tuples = s.indices.rank() == 2;
  const std::int64_t all = element_count(s.dims);
  const auto indices = s.indices.data<std::int64_t>();
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::int64_t end = tuples ? s.dims[i % s.dims.size()] : all;
    if (indices[i] < 0 || indices[i] >= end)
      bad_input(fmt::format("sparse tensor of shape [{}] has an element at index {}; indices go from 0 to {}", fmt::join(s.dims, ","), indices[i],
                            end - 1));
  }
}

}  // namespace

SparseTensor read_sparse_tensor(std::string_view message, const ReadContext& ctx) {
  const DepthGuard guard(ctx);
  SparseTensor r;
  WireReader in(message, ctx.base);
  bool has_values = false, has_indices = false;
  for (WireField f; in.next(f);) {
    if (f.number == pb::sparse_tensor::values && f.is(WireType::bytes)) {
      once(has_values, "values of a sparse tensor");
      r.values = read_tensor(f.bytes, ctx);
    } else if (f.number == pb::sparse_tensor::indices && f.is(WireType::bytes)) {
      once(has_indices, "indices of a sparse tensor");
      r.indices = read_tensor(f.bytes, ctx);
    } else if (f.number == pb::sparse_tensor::dims && is_numbers(f, WireType::varint)) {
      read_dims(r.dims, f, ctx);
    } else {
      keep_unknown(r.unknown, f);
    }
  }
  if (!has_values) bad_input("sparse tensor without values");
  if (!has_indices) bad_input("sparse tensor without indices");
  element_count(r.dims);  // refuses negative dims and overflow
  const auto nnz = r.values.size();
  const Dims& at = r.indices.dims();
  const bool linear = at.size() == 1 && at[0] == nnz, tuples = at.size() == 2 && at[0] == nnz && at[1] == static_cast<std::int64_t>(r.dims.size());
  if (r.values.rank() != 1 || r.indices.dtype() != DType::int64 || (!linear && !tuples))
    bad_input(fmt::format("sparse tensor with {} values has int64 indices of shape [{}]; [{}] or [{},{}] is needed", nnz, fmt::join(at, ","), nnz,
                          nnz, r.dims.size()));
  check_indices(r);
  return r;
}

}  // namespace onnxopt
