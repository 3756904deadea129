#include "calibration_data/npy.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include "ir/core/element.h"
#include "ir/io/mapped_file.h"
#include "ir/io/write_file.h"

namespace onnxopt {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = 1 << 20;
constexpr std::uint64_t kMaxArray = 1ull << 36;

struct NpyType {
  std::string_view descr;
  DType dtype;
};
constexpr NpyType kTypes[] = {{"|b1", DType::boolean},   {"|i1", DType::int8},       {"|u1", DType::uint8},   {"<i2", DType::int16},
                              {"<u2", DType::uint16},    {"<i4", DType::int32},      {"<u4", DType::uint32},  {"<i8", DType::int64},
                              {"<u8", DType::uint64},    {"<f2", DType::float16},    {"<f4", DType::float32}, {"<f8", DType::float64},
                              {"<c8", DType::complex64}, {"<c16", DType::complex128}};

struct Header {
  std::string descr;
  bool fortran = false;
  Dims dims;
  std::size_t data_at = 0;
};

// The text after `'key':` in the header's dict literal.
std::string_view field(std::string_view header, std::string_view key, const std::string& what) {
  const auto at = header.find(fmt::format("'{}'", key));
  const auto colon = at == std::string_view::npos ? at : header.find(':', at);
  if (colon == std::string_view::npos) bad_input(fmt::format("{}: the .npy header has no '{}'", what, key));
  auto rest = header.substr(colon + 1);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return rest;
}

Header parse_header(std::span<const std::byte> bytes, const std::string& what) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (all.size() < 10 || all.substr(0, 6) != kMagic) bad_input(fmt::format("{}: not a .npy array", what));
  const bool wide = all[6] >= 2;
  std::uint32_t length = 0;
  if (wide && all.size() < 12) bad_input(fmt::format("{}: truncated .npy header", what));
  std::memcpy(&length, all.data() + 8, wide ? 4 : 2);
  Header h;
  h.data_at = (wide ? 12u : 10u) + length;
  if (length > kMaxHeader || h.data_at > all.size()) bad_input(fmt::format("{}: truncated .npy header", what));
  const std::string_view text = all.substr(wide ? 12 : 10, length);
  const std::string_view descr = field(text, "descr", what);
  const char quote = descr.empty() ? ' ' : descr[0];
  const auto end = descr.find(quote, 1);
  if ((quote != '\'' && quote != '"') || end == std::string_view::npos) bad_input(fmt::format("{}: structured .npy arrays are not supported", what));
  h.descr = std::string(descr.substr(1, end - 1));
  h.fortran = field(text, "fortran_order", what).rfind("True", 0) == 0;
  std::string_view shape = field(text, "shape", what);
  const auto close = shape.find(')');
  if (shape.empty() || shape[0] != '(' || close == std::string_view::npos) bad_input(fmt::format("{}: bad shape in the .npy header", what));
  shape = shape.substr(1, close - 1);
  while (!shape.empty()) {
    const auto comma = std::min(shape.find(','), shape.size());
    std::string_view item = shape.substr(0, comma);
    shape.remove_prefix(std::min(comma + 1, shape.size()));
    item.remove_prefix(std::min(item.find_first_not_of(' '), item.size()));
    if (item.empty()) continue;
    std::int64_t d = -1;
    std::from_chars(item.data(), item.data() + item.size(), d);
    if (d < 0) bad_input(fmt::format("{}: bad shape in the .npy header", what));
    h.dims.push_back(d);
  }
  return h;
}

// Column-major elements of `width` bytes into row-major order.
std::vector<std::byte> to_row_major(const std::byte* data, const Dims& dims, std::size_t width) {
  const auto n = static_cast<std::size_t>(element_count(dims));
  std::vector<std::byte> out(n * width);
  std::vector<std::size_t> stride(dims.size(), 1);
  for (std::size_t i = 1; i < dims.size(); ++i) stride[i] = stride[i - 1] * static_cast<std::size_t>(dims[i - 1]);
  std::vector<std::int64_t> index(dims.size(), 0);
  for (std::size_t to = 0; to < n; ++to) {
    std::size_t from = 0;
    for (std::size_t i = 0; i < dims.size(); ++i) from += static_cast<std::size_t>(index[i]) * stride[i];
    std::memcpy(out.data() + to * width, data + from * width, width);
    for (std::size_t i = dims.size(); i-- > 0;) {
      if (++index[i] < dims[i]) break;
      index[i] = 0;
    }
  }
  return out;
}

// Turns the bytes of each unit around: the other byte order.
void swap_bytes(std::span<std::byte> bytes, std::size_t width) {
  for (std::size_t at = 0; at + width <= bytes.size(); at += width)
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin() + static_cast<std::ptrdiff_t>(at + width));
}

// The array's bytes in row-major order and this machine's byte order. `width`: of an element; `unit`: of what has a byte order.
std::vector<std::byte> native_bytes(const Header& h, std::span<const std::byte> data, std::size_t width, std::size_t unit) {
  std::vector<std::byte> out =
      h.fortran && h.dims.size() > 1 && width > 0
          ? to_row_major(data.data(), h.dims, width)
          : std::vector<std::byte>(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(width * static_cast<std::size_t>(element_count(h.dims))));
  if (h.descr[0] == '>') swap_bytes(out, unit);
  return out;
}

void append_utf8(std::string& s, std::uint32_t c) {
  if (c < 0x80) s += static_cast<char>(c);
  else if (c < 0x800) s += {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 63))};
  else if (c < 0x10000) s += {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 63)), static_cast<char>(0x80 | (c & 63))};
  else
    s += {static_cast<char>(0xF0 | (c >> 18)), static_cast<char>(0x80 | ((c >> 12) & 63)), static_cast<char>(0x80 | ((c >> 6) & 63)),
          static_cast<char>(0x80 | (c & 63))};
}

// "<U7": 7 UTF-32 code points an element; "|S7": 7 bytes.
Tensor parse_strings(const Header& h, std::span<const std::byte> file_data, const std::string& what) {
  const bool wide = h.descr[1] == 'U';
  std::size_t length = 0;
  std::from_chars(h.descr.data() + 2, h.descr.data() + h.descr.size(), length);
  const std::size_t width = length * (wide ? 4 : 1);
  const auto n = static_cast<std::size_t>(with_context(what, [&] { return element_count(h.dims); }));
  if (width > 0 && n > file_data.size() / width) bad_input(fmt::format("{}: truncated .npy array", what));
  const std::vector<std::byte> data = native_bytes(h, file_data, width, wide ? 4 : 1);
  std::vector<std::string> strings(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < length; ++k) {
      std::uint32_t c = 0;
      std::memcpy(&c, data.data() + i * width + k * (wide ? 4 : 1), wide ? 4 : 1);
      if (c == 0) break;
      if (wide) append_utf8(strings[i], c);
      else strings[i] += static_cast<char>(c);
    }
  return Tensor::from_strings(h.dims, std::move(strings));
}

std::string_view descr_of(DType t) {
  for (const NpyType& n : kTypes)
    if (n.dtype == t) return n.descr;
  return {};
}

Tensor to_numpy_type(const Tensor& t) {
  if (!descr_of(t.dtype()).empty()) return t;
  const DType to = is_float(t.dtype()) ? DType::float32 : is_signed_integer(t.dtype()) ? DType::int8 : DType::uint8;
  std::vector<std::byte> out(raw_byte_size(to, t.dims()));
  std::vector<double> values(static_cast<std::size_t>(t.size()));
  load_block<double>(t.dtype(), t.bytes().data(), 0, t.size(), values.data());
  store_block<double>(to, out.data(), 0, t.size(), values.data());
  return Tensor::from_bytes(to, t.dims(), std::move(out));
}

std::string header_text(std::string_view descr, const Dims& dims) {
  std::string shape;
  for (std::int64_t d : dims) shape += fmt::format("{},", d);
  std::string h = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  h.append(63 - (10 + h.size()) % 64, ' ');
  h += '\n';
  std::string out(kMagic);
  out += {'\x01', '\x00', static_cast<char>(h.size() & 255), static_cast<char>(h.size() >> 8)};
  return out + h;
}

std::string serialize_strings(const Tensor& t) {
  std::size_t longest = 1;
  for (const std::string& s : t.strings()) longest = std::max(longest, s.size());
  std::string out = header_text(fmt::format("|S{}", longest), t.dims());
  for (const std::string& s : t.strings()) out += s + std::string(longest - s.size(), '\0');
  return out;
}

using Zip = std::unique_ptr<zip_t, decltype(&zip_discard)>;
using Source = std::unique_ptr<zip_source_t, decltype(&zip_source_free)>;

constexpr zip_uint16_t kFirstDay = 1 << 5 | 1;  // the 1st of January 1980, where zip's time begins

std::string bytes_of(zip_source_t* source, const std::string& what) {
  zip_stat_t info;
  if (zip_source_stat(source, &info) != 0 || zip_source_open(source) != 0) bad_input(fmt::format("cannot write '{}': no archive was made", what));
  std::string bytes(info.size, '\0');
  const zip_int64_t n = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  if (n < 0 || static_cast<zip_uint64_t>(n) != info.size) bad_input(fmt::format("cannot write '{}': the archive is incomplete", what));
  return bytes;
}

std::vector<std::byte> read_entry(zip_t* z, zip_uint64_t i, const std::string& what) {
  zip_stat_t info;
  if (zip_stat_index(z, i, 0, &info) != 0 || info.size > kMaxArray) bad_input(fmt::format("{}: unreadable archive entry", what));
  const std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(zip_fopen_index(z, i, 0), &zip_fclose);
  if (!file) bad_input(fmt::format("{}: unreadable archive entry", what));
  std::vector<std::byte> out;  // grows with what is really there: the size in the directory may lie
  std::byte buffer[1 << 16];
  for (zip_int64_t n; (n = zip_fread(file.get(), buffer, sizeof buffer)) != 0;) {
    if (n < 0 || out.size() + static_cast<std::size_t>(n) > info.size) bad_input(fmt::format("{}: corrupt archive entry", what));
    out.insert(out.end(), buffer, buffer + n);
  }
  return out;
}

}  // namespace

Tensor parse_npy(std::span<const std::byte> bytes, const std::string& what) {
  const Header h = parse_header(bytes, what);
  const auto data = bytes.subspan(h.data_at);
  if (h.descr.size() > 1 && (h.descr[1] == 'U' || h.descr[1] == 'S')) return parse_strings(h, data, what);
  std::string descr = h.descr;
  if (!descr.empty() && (descr[0] == '=' || descr[0] == '>')) descr[0] = '<';
  for (const NpyType& t : kTypes) {
    if (t.descr != descr) continue;
    const std::size_t size = with_context(what, [&] { return raw_byte_size(t.dtype, h.dims); });
    if (data.size() < size) bad_input(fmt::format("{}: truncated .npy array: {} bytes of {}", what, data.size(), size));
    const auto width = static_cast<std::size_t>(bit_width(t.dtype)) / 8;
    return Tensor::from_bytes(t.dtype, h.dims, native_bytes(h, data, width, is_complex(t.dtype) ? width / 2 : width));
  }
  bad_input(fmt::format("{}: .npy element type '{}' is not supported", what, h.descr));
}

Tensor read_npy(const std::filesystem::path& file) { return parse_npy(MappedFile::open(file)->bytes(), file.string()); }

std::vector<std::pair<std::string, Tensor>> read_npz(const std::filesystem::path& file) {
  int error = 0;
  const Zip z(zip_open(file.c_str(), ZIP_RDONLY, &error), &zip_discard);
  if (!z) bad_input(fmt::format("cannot read '{}' as an .npz archive", file.string()));
  std::vector<std::pair<std::string, Tensor>> r;
  for (zip_int64_t i = 0; i < zip_get_num_entries(z.get(), 0); ++i) {
    std::string name = zip_get_name(z.get(), static_cast<zip_uint64_t>(i), 0);
    const std::string what = fmt::format("{}:{}", file.string(), name);
    const std::vector<std::byte> bytes = read_entry(z.get(), static_cast<zip_uint64_t>(i), what);
    if (name.size() > 4 && name.compare(name.size() - 4, 4, ".npy") == 0) name.resize(name.size() - 4);
    r.emplace_back(name, parse_npy(bytes, what));
  }
  return r;
}

std::string serialize_npy(const Tensor& t) {
  if (t.dtype() == DType::string) return serialize_strings(t);
  const Tensor n = to_numpy_type(t);
  return header_text(descr_of(n.dtype()), n.dims()) + std::string(reinterpret_cast<const char*>(n.bytes().data()), n.byte_size());
}

void write_npy(const std::filesystem::path& file, const Tensor& t) { write_file(file, serialize_npy(t)); }

void write_npz(const std::filesystem::path& file, const std::vector<std::pair<std::string, Tensor>>& arrays) {
  const auto failed = [&](const std::string& why) { bad_input(fmt::format("cannot write '{}': {}", file.string(), why)); };
  // In memory: libzip would write to a name of its own beside the file, and a signal would leave that there.
  const Source archive(zip_source_buffer_create(nullptr, 0, 0, nullptr), &zip_source_free);
  if (!archive) failed("no memory for the archive");
  Zip z(zip_open_from_source(archive.get(), ZIP_TRUNCATE, nullptr), &zip_discard);
  if (!z) failed("the archive cannot be made");
  zip_source_keep(archive.get());  // the zip_t has taken the first reference
  std::vector<std::string> texts;  // libzip reads them at close
  texts.reserve(arrays.size());
  for (const auto& [name, t] : arrays) {
    texts.push_back(serialize_npy(t));
    zip_source_t* source = zip_source_buffer(z.get(), texts.back().data(), texts.back().size(), 0);
    const zip_int64_t at = source ? zip_file_add(z.get(), (name + ".npy").c_str(), source, ZIP_FL_OVERWRITE) : -1;
    if (at < 0) {
      zip_source_free(source);
      failed(fmt::format("'{}' cannot be added: {}", name, zip_strerror(z.get())));
    }
    zip_file_set_dostime(z.get(), static_cast<zip_uint64_t>(at), 0, kFirstDay, 0);  // the same bytes in every run
  }
  if (zip_close(z.get()) != 0) failed(zip_strerror(z.get()));
  z.release();
  write_file(file, bytes_of(archive.get(), file.string()));
}

}  // namespace onnxopt
