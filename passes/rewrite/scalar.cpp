#include "passes/rewrite/scalar.h"

#include <cmath>
#include <cstring>

namespace onnxopt {
namespace {

template <class T>
double load(const std::byte* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return static_cast<double>(v);
}

double load_bfloat16(const std::byte* p) {
  std::uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  const std::uint32_t wide = static_cast<std::uint32_t>(bits) << 16;
  float f;
  std::memcpy(&f, &wide, sizeof f);
  return f;
}

double load_float16(const std::byte* p) {
  std::uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  double v = exponent == 31  ? (fraction != 0 ? std::nan("") : INFINITY)
             : exponent == 0 ? std::ldexp(fraction, -24)
                             : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -v : v;
}

// Half a unit in the last place, relative.
double rounding_of(DType t) {
  switch (t) {
    case DType::float64: return 0x1p-52;
    case DType::float32: return 0x1p-24;
    case DType::float16: return 0x1p-11;
    case DType::bfloat16: return 0x1p-8;
    default: return 0;
  }
}

}  // namespace

std::optional<double> element_value(const Tensor& t) {
  if (!t || t.size() != 1) return std::nullopt;
  if (bit_width(t.dtype()) < 8) return std::nullopt;
  const std::byte* p = t.bytes().data();
  switch (t.dtype()) {
    case DType::float32: return load<float>(p);
    case DType::float64: return load<double>(p);
    case DType::float16: return load_float16(p);
    case DType::bfloat16: return load_bfloat16(p);
    case DType::int8: return load<std::int8_t>(p);
    case DType::int16: return load<std::int16_t>(p);
    case DType::int32: return load<std::int32_t>(p);
    case DType::int64: return load<std::int64_t>(p);
    case DType::uint8: return load<std::uint8_t>(p);
    case DType::uint16: return load<std::uint16_t>(p);
    case DType::uint32: return load<std::uint32_t>(p);
    case DType::uint64: return load<std::uint64_t>(p);
    case DType::boolean: return load<std::uint8_t>(p) != 0 ? 1.0 : 0.0;
    default: return std::nullopt;
  }
}

bool is_literal(double value, double literal, DType t, bool approximate) {
  if (value == literal) return true;
  if (std::isinf(literal) || std::isnan(value)) return false;
  return std::abs(value - literal) <= std::max(rounding_of(t), approximate ? 1e-3 : 0.0) * std::abs(literal);
}

}  // namespace onnxopt
