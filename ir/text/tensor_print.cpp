#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "ir/core/element.h"
#include "ir/text/tensor_text.h"

namespace onnxopt::text {
namespace {

template <class T>
T load(const std::byte* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
void put_number(std::string& out, T v) {
  std::array<char, 40> buffer;
  const auto r = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v);  // floats: the shortest text that reads back to the same value
  out.append(buffer.data(), r.ptr);
}

template <class Int, class Float>
constexpr Int kQuietNan = static_cast<Int>(sizeof(Float) == 4 ? 0x7fc00000u : 0x7ff8000000000000u);

// "nan" and "-nan" stand for one bit pattern each; any other NaN needs @raw.
template <class Float, class Int>
bool is_odd_nan(const std::byte* p) {
  const Float v = load<Float>(p);
  if (!std::isnan(v)) return false;
  constexpr Int kSign = Int{1} << (8 * sizeof(Int) - 1);
  return (load<Int>(p) & ~kSign) != kQuietNan<Int, Float>;
}

template <class Float, class Int>
bool has_odd_nan(std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(Float))
    if (is_odd_nan<Float, Int>(bytes.data() + i)) return true;
  return false;
}

bool needs_raw(const Tensor& t) {
  switch (t.dtype()) {
    case DType::float32:
    case DType::complex64: return has_odd_nan<float, std::uint32_t>(t.bytes());
    case DType::float64:
    case DType::complex128: return has_odd_nan<double, std::uint64_t>(t.bytes());
    default: return false;
  }
}

template <class Stored>
void put_all(std::string& out, std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(Stored)) {
    if (i) out += ',';
    if constexpr (sizeof(Stored) == 1) put_number(out, static_cast<int>(load<Stored>(bytes.data() + i)));
    else put_number(out, load<Stored>(bytes.data() + i));
  }
}

void put_codes(std::string& out, const Tensor& t) {
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(t.size()));
  unpack_codes(t.dtype(), t.bytes().data(), t.size(), codes.data());
  const int bits = bit_width(t.dtype());
  const int sign = is_signed_integer(t.dtype()) ? 1 << (bits - 1) : 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (i) out += ',';
    const int code = codes[i] & ((1 << bits) - 1);
    put_number(out, (code ^ sign) - sign);
  }
}

void put_elements(std::string& out, const Tensor& t) {
  switch (t.dtype()) {
    case DType::float32:
    case DType::complex64: return put_all<float>(out, t.bytes());
    case DType::float64:
    case DType::complex128: return put_all<double>(out, t.bytes());
    case DType::int8: return put_all<std::int8_t>(out, t.bytes());
    case DType::int16: return put_all<std::int16_t>(out, t.bytes());
    case DType::int32: return put_all<std::int32_t>(out, t.bytes());
    case DType::int64: return put_all<std::int64_t>(out, t.bytes());
    case DType::uint16:
    case DType::float16:
    case DType::bfloat16: return put_all<std::uint16_t>(out, t.bytes());
    case DType::uint32: return put_all<std::uint32_t>(out, t.bytes());
    case DType::uint64: return put_all<std::uint64_t>(out, t.bytes());
    case DType::string:
      for (std::size_t i = 0; i < t.strings().size(); ++i) {
        if (i) out += ", ";
        print_quoted(out, t.strings()[i]);
      }
      return;
    default:
      if (is_sub_byte(t.dtype())) return put_codes(out, t);
      return put_all<std::uint8_t>(out, t.bytes());  // uint8, bool, the float8s
  }
}

}  // namespace

void print_int(std::string& out, std::int64_t v) { put_number(out, v); }

void print_quoted(std::string& out, std::string_view s) {
  out += '"';
  for (char c : s) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  out += '"';
}

void print_float(std::string& out, float v) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&v);
  const auto bits = load<std::uint32_t>(bytes);
  if (is_odd_nan<float, std::uint32_t>(bytes)) {
    out += fmt::format("nan(0x{:08x})", bits);
    return;
  }
  const std::size_t from = out.size();
  put_number(out, v);
  if (out.find_first_of(".en", from) == std::string::npos) out += ".0";  // 'n' of inf and nan
}

void print_tensor_data(std::string& out, const Tensor& t, const DataStyle& style) {
  const auto count = static_cast<std::uint64_t>(t.size());
  if (const std::string_view location = placeholder(t); !location.empty()) {
    out += '[';
    for (const auto& [key, value] : t.notes()->metadata) {
      if (out.back() != '[') out += ", ";
      print_quoted(out, key);
      out += ": ";
      print_quoted(out, value);
    }
    out += ']';
  } else if (count > style.elide_above) {
    out += fmt::format(R"(["location": "{}", "sha256": "{}"])", kLocationElided, tensor_sha256(t));
  } else if ((count > style.raw_above && t.dtype() != DType::string) || needs_raw(t)) {
    out += R"(["location": "@raw", "base64": ")";
    out += to_base64({reinterpret_cast<const char*>(t.bytes().data()), t.bytes().size()});
    out += "\"]";
  } else {
    out += '{';
    put_elements(out, t);
    out += '}';
  }
}

}  // namespace onnxopt::text
