#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "ir/core/element.h"
#include "ir/text/tensor_text.h"

namespace onnxopt::text {
namespace {

template <class T>
void put(std::vector<std::byte>& bytes, T v) {
  const auto* p = reinterpret_cast<const std::byte*>(&v);
  bytes.insert(bytes.end(), p, p + sizeof v);
}

// Low `bits` bits of `code`, as the element is stored; sub-byte elements are packed at the end.
void put_code(std::vector<std::byte>& bytes, int bits, std::uint64_t code) {
  for (int done = 0; done < bits; done += 8) bytes.push_back(static_cast<std::byte>(code >> done));
}

// Elements in the order of the text. Sub-byte types: one byte an element until finish().
class ElementReader {
 public:
  ElementReader(Lexer& lex, DType dtype) : lex_(lex), dtype_(dtype), bits_(bit_width(dtype)) {}

  void read() {
    const std::size_t at = lex_.pos();
    ++count;
    if (dtype_ == DType::string) {
      strings.push_back(lex_.string_literal("a string"));
      return;
    }
    const Lexer::Number n = lex_.number("a number");
    switch (dtype_) {
      case DType::float32:
      case DType::complex64: return put_float<float>(n, at);
      case DType::float64:
      case DType::complex128: return put_float<double>(n, at);
      default: break;
    }
    if (n.is_float) return put_narrow_float(n, at);
    if (is_signed_integer(dtype_)) return put_signed(n, at);
    put_unsigned(n, at);
  }
  std::int64_t count = 0;
  std::vector<std::byte> bytes;
  std::vector<std::string> strings;

 private:
  [[noreturn]] void out_of_range(std::string_view text, std::size_t at) { lex_.fail_at(at, fmt::format("{} is not a {}", text, dtype_name(dtype_))); }

  template <class T>
  void put_float(const Lexer::Number& n, std::size_t at) {
    T v;
    if (!to_number(n.text, v)) out_of_range(n.text, at);
    put(bytes, v);
  }
  // Floats of 16 bits and less are written as bit patterns (official syntax); we read float literals too.
  void put_narrow_float(const Lexer::Number& n, std::size_t at) {
    double v;
    if (!is_float(dtype_) || !to_number(n.text, v)) out_of_range(n.text, at);
    std::byte element[2] = {};
    store_element<double>(dtype_, element, 0, v);
    bytes.insert(bytes.end(), element, element + (bits_ + 7) / 8);
  }
  void put_signed(const Lexer::Number& n, std::size_t at) {
    std::int64_t v;
    const std::int64_t high = std::numeric_limits<std::int64_t>::max() >> (64 - bits_);
    if (!to_number(n.text, v) || v > high || v < -high - 1) out_of_range(n.text, at);
    const std::uint64_t mask = bits_ < 8 ? (1u << bits_) - 1 : ~std::uint64_t{0};
    put_code(bytes, bits_, static_cast<std::uint64_t>(v) & mask);
  }
  void put_unsigned(const Lexer::Number& n, std::size_t at) {
    std::uint64_t v;
    const std::uint64_t high = dtype_ == DType::boolean ? 1 : std::numeric_limits<std::uint64_t>::max() >> (64 - bits_);
    if (!to_number(n.text, v) || v > high) out_of_range(n.text, at);
    put_code(bytes, bits_, v);
  }

  Lexer& lex_;
  DType dtype_;
  int bits_;
};

Tensor parse_elements(Lexer& lex, DType dtype, const Dims& dims, std::int64_t count, std::size_t at) {
  ElementReader elements(lex, dtype);
  if (lex.peek() != '}') {
    do elements.read();
    while (lex.accept(','));
  }
  lex.expect('}', "after the constant's elements");
  const std::int64_t needed = is_complex(dtype) ? 2 * count : count;  // complex numbers are written as pairs
  if (elements.count != needed) lex.fail_at(at, fmt::format("{} numbers or strings given, the constant's shape needs {}", elements.count, needed));
  if (dtype == DType::string) return Tensor::from_strings(dims, std::move(elements.strings));
  if (!is_sub_byte(dtype)) return Tensor::from_bytes(dtype, dims, std::move(elements.bytes));
  std::vector<std::byte> packed(raw_byte_size(dtype, dims));
  pack_codes(dtype, reinterpret_cast<const std::uint8_t*>(elements.bytes.data()), count, packed.data());
  return Tensor::from_bytes(dtype, dims, std::move(packed));
}

Tensor parse_raw(Lexer& lex, DType dtype, const Dims& dims) {
  lex.expect(',', "before the data of @raw");
  if (lex.string_literal("a key") != "base64") lex.fail("@raw needs \"base64\"");
  lex.expect(':', "after \"base64\"");
  const std::size_t at = lex.pos();
  std::string bytes;
  if (!from_base64(lex.plain_string_view("base64 data"), bytes)) lex.fail_at(at, "not base64");
  if (dtype == DType::string || bytes.size() != raw_byte_size(dtype, dims))
    lex.fail_at(at, fmt::format("{} bytes given, the constant needs {}", bytes.size(), dtype == DType::string ? 0 : raw_byte_size(dtype, dims)));
  lex.expect(']', "after the data");
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  const auto* p = reinterpret_cast<const std::byte*>(owner->data());
  return Tensor::from_view(dtype, dims, {p, owner->size()}, owner);
}

void charge(Lexer& lex, std::size_t at, DType dtype, const Dims& dims, DataLimits& limits) {
  const std::uint64_t bytes = dtype == DType::string ? static_cast<std::uint64_t>(element_count(dims)) * 32 : raw_byte_size(dtype, dims);
  if (bytes > limits.synthetic_bytes_left) lex.fail_at(at, "more synthetic data than the reader's limit");
  limits.synthetic_bytes_left -= bytes;
}

Tensor parse_located(Lexer& lex, DType dtype, const Dims& dims, DataLimits& limits) {
  const std::size_t at = lex.pos();
  StringPairs pairs;
  do {
    std::string key = lex.string_literal("a key");
    lex.expect(':', "after the key");
    pairs.emplace_back(std::move(key), lex.string_literal("a value"));
    if (pairs.size() == 1 && pairs[0].second == "@raw") return parse_raw(lex, dtype, dims);
  } while (lex.accept(','));
  lex.expect(']', "after the location");
  if (pairs[0].first != "location") lex.fail_at(at, "the first key must be \"location\"");
  const std::string& location = pairs[0].second;
  if (!location.starts_with('@')) lex.fail_at(at, fmt::format("external data ('{}') cannot be read from a text", location));
  charge(lex, at, dtype, dims, limits);
  if (location == kLocationAny || location == kLocationElided) {
    if (!limits.placeholders)
      lex.fail_at(at, fmt::format("this constant has no data ({}); {}", location,
                                  location == kLocationElided ? "print the model with --full" : "only an expected graph of a test may say so"));
    TensorNotes notes;
    notes.metadata = pairs;
    return Tensor::zeros(dtype, dims).with_notes(std::move(notes));
  }
  try {
    return synthetic_tensor(dtype, dims, pairs);
  } catch (const Error& e) {
    lex.fail_at(at, e.what());
  }
}

}  // namespace

Tensor parse_tensor_data(Lexer& lex, DType dtype, const Dims& dims, DataLimits& limits) {
  const std::size_t at = lex.pos();
  std::int64_t count = 0;
  try {
    count = element_count(dims);
    raw_byte_size(dtype, dims);
  } catch (const Error& e) {
    lex.fail_at(at, e.what());
  }
  if (dtype == DType::undefined) lex.fail_at(at, "a constant needs an element type");
  if (lex.accept('{')) return parse_elements(lex, dtype, dims, count, at);
  lex.expect('[', "or '{' before the constant's data");
  return parse_located(lex, dtype, dims, limits);
}

std::string_view placeholder(const Tensor& t) {
  const TensorNotes* notes = t.notes();
  if (!notes || notes->metadata.empty() || notes->metadata[0].first != "location") return {};
  const std::string& location = notes->metadata[0].second;
  return location == kLocationAny || location == kLocationElided ? std::string_view(location) : std::string_view();
}

}  // namespace onnxopt::text
