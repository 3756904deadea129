// Element types of ONNX tensors, numbered as in TensorProto.DataType (onnx.proto, IR version 14).
#pragma once

#include <cstdint>
#include <string_view>

namespace onnxopt {

enum class DType : std::uint8_t {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  complex64 = 14,
  complex128 = 15,
  bfloat16 = 16,
  float8e4m3fn = 17,
  float8e4m3fnuz = 18,
  float8e5m2 = 19,
  float8e5m2fnuz = 20,
  uint4 = 21,
  int4 = 22,
  float4e2m1 = 23,
  float8e8m0 = 24,
  uint2 = 25,
  int2 = 26,
  float6e2m3 = 27,
  float6e3m2 = 28,
};
inline constexpr int kNumDTypes = 29;

// Bits of one stored element: 4 for int4, 6 for float6e2m3, 8 for bool; 0 for string and undefined.
int bit_width(DType t);
// ONNX text spelling: "float", "int64", "float8e4m3fn", ...; "undefined" for 0.
std::string_view dtype_name(DType t);
// Inverse of dtype_name; DType::undefined if unknown.
DType dtype_from_name(std::string_view name);
// Of the enumerators of TensorProto.DataType ("FLOAT", "INT64"), in any case; DType::undefined if unknown.
DType dtype_from_enumerator(std::string_view name);
bool is_known_dtype(std::int64_t number);

bool is_float(DType t);    // all binary floating types, the 4, 6 and 8 bit ones included
bool is_integer(DType t);  // signed and unsigned, sub-byte ones included; not bool
bool is_signed_integer(DType t);
bool is_unsigned_integer(DType t);
bool is_complex(DType t);
inline bool is_sub_byte(DType t) { return bit_width(t) > 0 && bit_width(t) < 8; }

}  // namespace onnxopt
