#include "ir/core/element.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>

#include "ir/core/error.h"
#include "ir/core/minifloat.h"

namespace onnxopt {
namespace {

using std::byte;
using std::int64_t;
using std::uint16_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

template <class S>
S read(const byte* p, int64_t i) {
  S s;
  std::memcpy(&s, p + i * static_cast<int64_t>(sizeof(S)), sizeof(S));
  return s;
}
template <class S>
void write(byte* p, int64_t i, S s) {
  std::memcpy(p + i * static_cast<int64_t>(sizeof(S)), &s, sizeof(S));
}

uint32_t get_bits(const byte* base, int width, int64_t i) {
  const int64_t bit = i * width;
  const int shift = static_cast<int>(bit % 8);
  uint32_t v = std::to_integer<uint32_t>(base[bit / 8]);
  if (shift + width > 8) v |= std::to_integer<uint32_t>(base[bit / 8 + 1]) << 8;
  return (v >> shift) & ((1u << width) - 1);
}
void put_bits(byte* base, int width, int64_t i, uint32_t code) {
  const int64_t bit = i * width;
  const int shift = static_cast<int>(bit % 8);
  const uint32_t mask = (1u << width) - 1;
  auto merge = [](byte old, uint32_t m, uint32_t v) { return static_cast<byte>((std::to_integer<uint32_t>(old) & ~m) | (v & m)); };
  base[bit / 8] = merge(base[bit / 8], mask << shift, code << shift);
  if (shift + width > 8) base[bit / 8 + 1] = merge(base[bit / 8 + 1], mask >> (8 - shift), code >> (8 - shift));
}

// Any carrier or element to any carrier, without undefined behaviour.
template <class C, class S>
C to_carrier(S s) {
  if constexpr (std::is_same_v<C, std::complex<double>>) return C(static_cast<double>(s), 0);
  else if constexpr (std::is_integral_v<C> && std::is_floating_point_v<S>) {
    const double d = static_cast<double>(s);
    if constexpr (std::is_signed_v<C>) return d >= -0x1p63 && d < 0x1p63 ? static_cast<C>(d) : std::numeric_limits<C>::min();
    if (d > -0x1p63 && d < 0) return static_cast<C>(static_cast<int64_t>(d));
    return d >= 0 && d < 0x1p64 ? static_cast<C>(d) : 0;
  } else return static_cast<C>(s);
}

template <class C, class S>
void load_plain(const byte* base, int64_t first, int64_t n, C* out) {
  if (n == 0) return;  // where an empty tensor has no memory at all
  base += first * static_cast<int64_t>(sizeof(S));
  if constexpr (std::is_same_v<C, S>) std::memcpy(out, base, static_cast<std::size_t>(n) * sizeof(S));
  else
    for (int64_t i = 0; i < n; ++i) out[i] = to_carrier<C>(read<S>(base, i));
}
template <class C>
void load_complex(DType t, const byte* base, int64_t first, int64_t n, C* out) {
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = 2 * (first + i);
    const double re = t == DType::complex64 ? read<float>(base, at) : read<double>(base, at);
    const double im = t == DType::complex64 ? read<float>(base, at + 1) : read<double>(base, at + 1);
    if constexpr (std::is_same_v<C, std::complex<double>>) out[i] = C(re, im);
    else out[i] = to_carrier<C>(re);
  }
}

[[noreturn]] void no_numbers(DType t) { bad_input("no numeric elements of type " + std::string(dtype_name(t))); }

// Integers narrower than a carrier: the low bits of the truncated value; saturation is no part of Cast to integers.
template <class C>
uint64_t low_bits(C c) {
  if constexpr (std::is_same_v<C, std::complex<double>>) return static_cast<uint64_t>(to_carrier<int64_t>(c.real()));
  else if constexpr (std::is_floating_point_v<C>) {
    if (c >= 0x1p64) return 1ull << 63;  // what no integer holds, as the hardware's conversion marks it
    if (c >= 0x1p63) return to_carrier<uint64_t>(c);
    return static_cast<uint64_t>(to_carrier<int64_t>(c));
  } else return static_cast<uint64_t>(c);
}
template <class C>
double as_double(C c) {
  if constexpr (std::is_same_v<C, std::complex<double>>) return c.real();
  else return static_cast<double>(c);
}
template <class C>
bool is_true(C c) {
  return c != C(0);
}

template <class C, class S>
void store_plain(byte* base, int64_t first, int64_t n, const C* in) {
  if (n == 0) return;  // where an empty tensor has no memory at all
  base += first * static_cast<int64_t>(sizeof(S));
  if constexpr (std::is_same_v<C, S>) std::memcpy(base, in, static_cast<std::size_t>(n) * sizeof(S));
  else if constexpr (std::is_floating_point_v<S> && std::is_same_v<C, std::complex<double>>)
    for (int64_t i = 0; i < n; ++i) write<S>(base, i, static_cast<S>(in[i].real()));
  else if constexpr (std::is_floating_point_v<S>)
    for (int64_t i = 0; i < n; ++i) write<S>(base, i, static_cast<S>(in[i]));
  else
    for (int64_t i = 0; i < n; ++i) write<S>(base, i, static_cast<S>(low_bits(in[i])));
}
template <class C>
float to_odd_float(C c) {
  if constexpr (std::is_same_v<C, float>) return c;
  else return round_to_odd(as_double(c));
}
template <class C>
void store_complex(DType t, byte* base, int64_t first, int64_t n, const C* in) {
  for (int64_t i = 0; i < n; ++i) {
    double re = as_double(in[i]), im = 0;
    if constexpr (std::is_same_v<C, std::complex<double>>) im = in[i].imag();
    const int64_t at = 2 * (first + i);
    if (t == DType::complex64) write(base, at, static_cast<float>(re)), write(base, at + 1, static_cast<float>(im));
    else write(base, at, re), write(base, at + 1, im);
  }
}

}  // namespace

Carrier carrier_of(DType t) {
  if (t == DType::string) return Carrier::string;
  if (is_complex(t)) return Carrier::complex;
  if (is_float(t)) return Carrier::f64;
  if (is_signed_integer(t)) return Carrier::i64;
  if (is_unsigned_integer(t) || t == DType::boolean) return Carrier::u64;
  return Carrier::none;
}

template <class C>
void load_block(DType t, const byte* base, int64_t first, int64_t n, C* out) {
  switch (t) {
    case DType::float32: return load_plain<C, float>(base, first, n, out);
    case DType::float64: return load_plain<C, double>(base, first, n, out);
    case DType::uint8: return load_plain<C, uint8_t>(base, first, n, out);
    case DType::int8: return load_plain<C, std::int8_t>(base, first, n, out);
    case DType::uint16: return load_plain<C, uint16_t>(base, first, n, out);
    case DType::int16: return load_plain<C, std::int16_t>(base, first, n, out);
    case DType::int32: return load_plain<C, std::int32_t>(base, first, n, out);
    case DType::int64: return load_plain<C, int64_t>(base, first, n, out);
    case DType::uint32: return load_plain<C, uint32_t>(base, first, n, out);
    case DType::uint64: return load_plain<C, uint64_t>(base, first, n, out);
    case DType::boolean:
      for (int64_t i = 0; i < n; ++i) out[i] = to_carrier<C>(read<uint8_t>(base, first + i) != 0 ? 1 : 0);
      return;
    case DType::float16:
      for (int64_t i = 0; i < n; ++i) out[i] = to_carrier<C>(half_to_float(read<uint16_t>(base, first + i)));
      return;
    case DType::bfloat16:
      for (int64_t i = 0; i < n; ++i) out[i] = to_carrier<C>(bfloat16_to_float(read<uint16_t>(base, first + i)));
      return;
    case DType::complex64:
    case DType::complex128: return load_complex(t, base, first, n, out);
    case DType::int4:
    case DType::int2:
      for (int64_t i = 0; i < n; ++i) {
        const int width = bit_width(t);
        const auto code = static_cast<int>(get_bits(base, width, first + i));
        out[i] = to_carrier<C>(code >= 1 << (width - 1) ? code - (1 << width) : code);
      }
      return;
    case DType::uint4:
    case DType::uint2:
      for (int64_t i = 0; i < n; ++i) out[i] = to_carrier<C>(get_bits(base, bit_width(t), first + i));
      return;
    case DType::undefined:
    case DType::string: no_numbers(t);
    default: break;
  }
  const MiniFloat* f = mini_float(t);
  if (f == nullptr) no_numbers(t);
  const int width = bit_width(t);
  for (int64_t i = 0; i < n; ++i) out[i] = to_carrier<C>(f->decode(width == 8 ? read<uint8_t>(base, first + i) : get_bits(base, width, first + i)));
}

template <class C>
void store_block(DType t, byte* base, int64_t first, int64_t n, const C* in, const NarrowOptions& options) {
  switch (t) {
    case DType::float32: return store_plain<C, float>(base, first, n, in);
    case DType::float64: return store_plain<C, double>(base, first, n, in);
    case DType::uint8: return store_plain<C, uint8_t>(base, first, n, in);
    case DType::int8: return store_plain<C, std::int8_t>(base, first, n, in);
    case DType::uint16: return store_plain<C, uint16_t>(base, first, n, in);
    case DType::int16: return store_plain<C, std::int16_t>(base, first, n, in);
    case DType::int32: return store_plain<C, std::int32_t>(base, first, n, in);
    case DType::int64: return store_plain<C, int64_t>(base, first, n, in);
    case DType::uint32: return store_plain<C, uint32_t>(base, first, n, in);
    case DType::uint64: return store_plain<C, uint64_t>(base, first, n, in);
    case DType::boolean:
      for (int64_t i = 0; i < n; ++i) write<uint8_t>(base, first + i, is_true(in[i]) ? 1 : 0);
      return;
    case DType::float16:
      for (int64_t i = 0; i < n; ++i) write(base, first + i, float_to_half(to_odd_float(in[i])));
      return;
    case DType::bfloat16:
      for (int64_t i = 0; i < n; ++i) write(base, first + i, float_to_bfloat16(to_odd_float(in[i])));
      return;
    case DType::complex64:
    case DType::complex128: return store_complex(t, base, first, n, in);
    case DType::int4:
    case DType::uint4:
    case DType::int2:
    case DType::uint2: {
      const int width = bit_width(t);
      for (int64_t i = 0; i < n; ++i) put_bits(base, width, first + i, static_cast<uint32_t>(low_bits(in[i])) & ((1u << width) - 1));
      return;
    }
    case DType::undefined:
    case DType::string: no_numbers(t);
    default: break;
  }
  const MiniFloat* f = mini_float(t);
  if (f == nullptr) no_numbers(t);
  const int width = bit_width(t);
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t code = f->encode(as_double(in[i]), options);
    if (width == 8) write<uint8_t>(base, first + i, static_cast<uint8_t>(code));
    else put_bits(base, width, first + i, code);
  }
}

#define ONNXOPT_INSTANTIATE(C)                                           \
  template void load_block<C>(DType, const byte*, int64_t, int64_t, C*); \
  template void store_block<C>(DType, byte*, int64_t, int64_t, const C*, const NarrowOptions&);
ONNXOPT_INSTANTIATE(float)
ONNXOPT_INSTANTIATE(double)
ONNXOPT_INSTANTIATE(int64_t)
ONNXOPT_INSTANTIATE(uint64_t)
ONNXOPT_INSTANTIATE(std::complex<double>)
#undef ONNXOPT_INSTANTIATE

void unpack_codes(DType t, const byte* base, int64_t n, uint8_t* codes) {
  const int width = bit_width(t);
  for (int64_t i = 0; i < n; ++i) codes[i] = static_cast<uint8_t>(get_bits(base, width, i));
}
void pack_codes(DType t, const uint8_t* codes, int64_t n, byte* base) {
  const int width = bit_width(t);
  for (int64_t i = 0; i < n; ++i) put_bits(base, width, i, codes[i]);
}

// Multiplying by 2^112 moves the half's exponent bias to the float's and normalises subnormals on the way.
float half_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16, rest = static_cast<uint32_t>(bits & 0x7fffu) << 13;
  const float scaled = std::bit_cast<float>(rest) * 0x1p112f;
  const uint32_t special = rest | 0x7f800000u;
  return std::bit_cast<float>(sign | (rest >= 0x0f800000u ? special : std::bit_cast<uint32_t>(scaled)));
}

uint16_t float_to_half(float value) {
  const uint32_t u = std::bit_cast<uint32_t>(value), sign = (u >> 16) & 0x8000u, a = u & 0x7fffffffu;
  if (a > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u | ((a >> 13) & 0x3ffu));
  if (a >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // rounds to 65536 or more
  if (a < 0x38800000u) {                                               // subnormal: the addition rounds
    const uint32_t r = std::bit_cast<uint32_t>(std::bit_cast<float>(a) + 0.5f) - 0x3f000000u;
    return static_cast<uint16_t>(sign | r);
  }
  return static_cast<uint16_t>(sign | ((a - 0x38000000u + 0xfffu + ((a >> 13) & 1u)) >> 13));
}

float bfloat16_to_float(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t float_to_bfloat16(float value) {
  const uint32_t u = std::bit_cast<uint32_t>(value);
  if ((u & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((u >> 16) | 0x40u);
  return static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

float round_to_odd(double value) {
  const auto f = static_cast<float>(value);
  if (!(static_cast<double>(f) != value) || value != value) return f;
  uint32_t u = std::bit_cast<uint32_t>(f);
  if (std::abs(static_cast<double>(f)) > std::abs(value)) --u;
  return std::bit_cast<float>(u | 1u);
}

double unit_in_last_place(DType t) {
  switch (t) {
    case DType::float64: return 0x1p-52;
    case DType::float32: return 0x1p-23;
    case DType::float16: return 0x1p-10;
    case DType::bfloat16: return 0x1p-7;
    default: return 0;
  }
}

double highest_value(DType t) {
  switch (t) {
    case DType::float32: return std::numeric_limits<float>::max();
    case DType::float64: return std::numeric_limits<double>::max();
    case DType::float16: return 65504;
    case DType::bfloat16: return 0x1.fep127;
    case DType::boolean: return 1;
    default: break;
  }
  if (is_unsigned_integer(t)) return std::ldexp(1.0, bit_width(t)) - 1;
  if (is_signed_integer(t)) return std::ldexp(1.0, bit_width(t) - 1) - 1;
  const MiniFloat* f = mini_float(t);
  if (f == nullptr) no_numbers(t);
  return f->decode(f->max_code);
}
double lowest_value(DType t) {
  if (is_unsigned_integer(t) || t == DType::boolean) return 0;
  if (is_signed_integer(t)) return -std::ldexp(1.0, bit_width(t) - 1);
  if (t == DType::float8e8m0) return 0x1p-127;
  return -highest_value(t);
}

}  // namespace onnxopt
