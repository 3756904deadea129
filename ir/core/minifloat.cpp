#include "ir/core/minifloat.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace onnxopt {
namespace {

using Special = MiniFloat::Special;
constexpr MiniFloat kE4M3FN{4, 3, 7, Special::nan_only, 0x7e, 0x7f, 0x7f};
constexpr MiniFloat kE4M3FNUZ{4, 3, 8, Special::fnuz, 0x7f, 0x80, 0x80};
constexpr MiniFloat kE5M2{5, 2, 15, Special::ieee, 0x7b, 0x7e, 0x7c};
constexpr MiniFloat kE5M2FNUZ{5, 2, 16, Special::fnuz, 0x7f, 0x80, 0x80};
constexpr MiniFloat kE8M0{8, 0, 127, Special::e8m0, 0xfe, 0xff, 0xff};
constexpr MiniFloat kE2M1{2, 1, 1, Special::finite, 0x7, 0x7, 0x7};
constexpr MiniFloat kE2M3{2, 3, 1, Special::finite, 0x1f, 0x1f, 0x1f};
constexpr MiniFloat kE3M2{3, 2, 3, Special::finite, 0x1f, 0x1f, 0x1f};

}  // namespace

const MiniFloat* mini_float(DType t) {
  switch (t) {
    case DType::float8e4m3fn: return &kE4M3FN;
    case DType::float8e4m3fnuz: return &kE4M3FNUZ;
    case DType::float8e5m2: return &kE5M2;
    case DType::float8e5m2fnuz: return &kE5M2FNUZ;
    case DType::float8e8m0: return &kE8M0;
    case DType::float4e2m1: return &kE2M1;
    case DType::float6e2m3: return &kE2M3;
    case DType::float6e3m2: return &kE3M2;
    default: return nullptr;
  }
}

double MiniFloat::decode(std::uint32_t code) const {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (special == Special::e8m0) return code == nan_code ? kNan : std::ldexp(1.0, static_cast<int>(code) - bias);
  const std::uint32_t sign_bit = 1u << (exponent_bits + mantissa_bits), magnitude = code & (sign_bit - 1);
  const bool negative = (code & sign_bit) != 0;
  if (special == Special::fnuz && code == nan_code) return kNan;
  if (special == Special::nan_only && magnitude == nan_code) return negative ? -kNan : kNan;
  if (special == Special::ieee && magnitude >= inf_code) return magnitude == inf_code ? (negative ? -HUGE_VAL : HUGE_VAL) : (negative ? -kNan : kNan);
  const int exponent = static_cast<int>(magnitude >> mantissa_bits);
  const int mantissa = static_cast<int>(magnitude & ((1u << mantissa_bits) - 1));
  const int significand = exponent == 0 ? mantissa : mantissa + (1 << mantissa_bits);
  const double value = std::ldexp(significand, std::max(exponent, 1) - bias - mantissa_bits);
  return negative ? -value : value;
}

std::uint32_t MiniFloat::overflow(std::uint32_t sign, bool saturate) const {
  if (special == Special::finite || saturate) return sign | max_code;
  if (special == Special::fnuz) return nan_code;
  return sign | inf_code;
}

std::uint32_t MiniFloat::encode(double value, const NarrowOptions& options) const {
  if (special == Special::e8m0) return encode_e8m0(value, options);
  const std::uint32_t sign_bit = 1u << (exponent_bits + mantissa_bits);
  std::uint32_t sign = std::signbit(value) ? sign_bit : 0;
  if (std::isnan(value)) {
    if (special == Special::fnuz) return nan_code;
    if (special == Special::finite) return sign_bit;  // no NaN in the type: -0, as ml_dtypes has it (the specification is silent)
    return sign | nan_code;
  }
  if (std::isinf(value)) return overflow(sign, options.saturate);
  const double a = std::abs(value);
  const int min_exponent = 1 - bias;
  const int exponent = a == 0 ? min_exponent : std::max(std::ilogb(a), min_exponent);
  if (exponent > 1 << exponent_bits) return overflow(sign, options.saturate);
  // The implicit bit of a normal number carries into the exponent field, so does a mantissa that rounds up to the next power of two.
  const auto quanta = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(a, mantissa_bits - exponent)));
  const std::uint32_t code = (static_cast<std::uint32_t>(exponent - min_exponent) << mantissa_bits) + quanta;
  if (code > max_code) return overflow(sign, options.saturate);
  if (special == Special::fnuz && code == 0) sign = 0;
  return sign | code;
}

std::uint32_t MiniFloat::encode_e8m0(double value, const NarrowOptions& options) const {
  if (std::isnan(value)) return nan_code;
  const double a = std::abs(value);
  if (std::isinf(a)) return options.saturate ? max_code : nan_code;
  if (a == 0) return options.saturate ? 0 : nan_code;
  int exponent = std::ilogb(a);
  const double rest = std::ldexp(a, -exponent);  // in [1, 2)
  if (rest > 1 && options.e8m0 == RoundMode::up) ++exponent;
  if (rest >= 1.5 && options.e8m0 == RoundMode::nearest) ++exponent;
  if (exponent < -bias) return options.saturate ? 0 : nan_code;
  if (exponent > bias) return options.saturate ? max_code : nan_code;
  return static_cast<std::uint32_t>(exponent + bias);
}

}  // namespace onnxopt
