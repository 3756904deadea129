// Elements of every dtype in and out of a few carrier types. A kernel computes in a carrier (float, double, int64, uint64, complex<double>); loading
// widens exactly, storing rounds by the rules of Cast-25 (round to nearest even; integers keep their low bits). Bases are raw-encoded bytes as
// Tensor::bytes() gives them, of any alignment; sub-byte types are packed low bits first (float6: four in three bytes).
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>

#include "ir/core/dtype.h"

namespace onnxopt {

// Cast's attributes of the same names; they matter for the float8 types only.
enum class RoundMode : std::uint8_t { up, down, nearest };
struct NarrowOptions {
  bool saturate = true;
  RoundMode e8m0 = RoundMode::up;
};

// The carrier that holds every value of a dtype exactly; bool travels as uint64.
enum class Carrier : std::uint8_t { none, f64, i64, u64, complex, string };
Carrier carrier_of(DType t);

// C is float, double, int64_t, uint64_t or complex<double>. Widening to float rounds what float cannot hold (float64, large integers).
// Loading floats into an integer carrier truncates toward zero; NaN and what the carrier cannot hold become its lowest value.
template <class C>
void load_block(DType t, const std::byte* base, std::int64_t first, std::int64_t n, C* out);
// Elements first..first+n of `base` are written; neighbours in a shared byte are kept. Stores to bool write x != 0.
template <class C>
void store_block(DType t, std::byte* base, std::int64_t first, std::int64_t n, const C* in, const NarrowOptions& options = {});

template <class C>
C load_element(DType t, const std::byte* base, std::int64_t i) {
  C c;
  load_block<C>(t, base, i, 1, &c);
  return c;
}
template <class C>
void store_element(DType t, std::byte* base, std::int64_t i, C value) {
  store_block<C>(t, base, i, 1, &value);
}

// Bit patterns of a sub-byte type, one byte each: for kernels that move data and never look at it.
void unpack_codes(DType t, const std::byte* base, std::int64_t n, std::uint8_t* codes);
void pack_codes(DType t, const std::uint8_t* codes, std::int64_t n, std::byte* base);

float half_to_float(std::uint16_t bits);
std::uint16_t float_to_half(float value);
float bfloat16_to_float(std::uint16_t bits);
std::uint16_t float_to_bfloat16(float value);
// Double to float, rounded to odd: rounding the result to 21 mantissa bits or fewer then equals rounding the double once.
float round_to_odd(double value);

// The distance of two neighbours at 1, of float64, float32, float16 and bfloat16; 0 for other types.
double unit_in_last_place(DType t);
// Smallest and largest finite value of a numeric dtype.
double lowest_value(DType t);
double highest_value(DType t);

}  // namespace onnxopt
