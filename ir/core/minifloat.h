// The floating types of 8, 6 and 4 bits as data: field widths, bias, and which codes are special (ONNX docs technical/float8, float4; OCP MX).
#pragma once

#include <cstdint>

#include "ir/core/dtype.h"
#include "ir/core/element.h"

namespace onnxopt {

struct MiniFloat {
  enum class Special : std::uint8_t {
    ieee,      // exponent all ones: infinity and NaN
    nan_only,  // all ones but the sign: NaN; no infinity
    fnuz,      // sign bit alone: NaN; no infinity, no negative zero
    finite,    // no special codes; what is too large saturates
    e8m0,      // powers of two, no sign; 0xff: NaN
  };
  int exponent_bits, mantissa_bits, bias;
  Special special;
  std::uint32_t max_code, nan_code, inf_code;  // magnitudes; inf_code == nan_code: no infinity

  double decode(std::uint32_t code) const;
  std::uint32_t encode(double value, const NarrowOptions& options) const;

 private:
  std::uint32_t encode_e8m0(double value, const NarrowOptions& options) const;
  std::uint32_t overflow(std::uint32_t sign, bool saturate) const;
};

// Null: not one of these types.
const MiniFloat* mini_float(DType t);

}  // namespace onnxopt
