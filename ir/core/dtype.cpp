#include "ir/core/dtype.h"

#include <array>
#include <string>

namespace onnxopt {
namespace {

enum Class : std::uint8_t { kNone, kFloat, kSigned, kUnsigned, kComplex };
struct Row {
  std::string_view name;
  int bits;
  Class cls;
};
// Indexed by TensorProto.DataType.
constexpr std::array<Row, kNumDTypes> kRows = {{
    {"undefined", 0, kNone},       {"float", 32, kFloat},    {"uint8", 8, kUnsigned},     {"int8", 8, kSigned},          {"uint16", 16, kUnsigned},
    {"int16", 16, kSigned},        {"int32", 32, kSigned},   {"int64", 64, kSigned},      {"string", 0, kNone},          {"bool", 8, kNone},
    {"float16", 16, kFloat},       {"double", 64, kFloat},   {"uint32", 32, kUnsigned},   {"uint64", 64, kUnsigned},     {"complex64", 64, kComplex},
    {"complex128", 128, kComplex}, {"bfloat16", 16, kFloat}, {"float8e4m3fn", 8, kFloat}, {"float8e4m3fnuz", 8, kFloat}, {"float8e5m2", 8, kFloat},
    {"float8e5m2fnuz", 8, kFloat}, {"uint4", 4, kUnsigned},  {"int4", 4, kSigned},        {"float4e2m1", 4, kFloat},     {"float8e8m0", 8, kFloat},
    {"uint2", 2, kUnsigned},       {"int2", 2, kSigned},     {"float6e2m3", 6, kFloat},   {"float6e3m2", 6, kFloat},
}};
const Row& row(DType t) { return kRows[static_cast<std::size_t>(t)]; }

}  // namespace

int bit_width(DType t) { return row(t).bits; }
std::string_view dtype_name(DType t) { return row(t).name; }
DType dtype_from_name(std::string_view name) {
  for (int i = 1; i < kNumDTypes; ++i)
    if (kRows[i].name == name) return static_cast<DType>(i);
  return DType::undefined;
}
DType dtype_from_enumerator(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return dtype_from_name(lower);
}
bool is_known_dtype(std::int64_t number) { return number > 0 && number < kNumDTypes; }
bool is_float(DType t) { return row(t).cls == kFloat; }
bool is_integer(DType t) { return row(t).cls == kSigned || row(t).cls == kUnsigned; }
bool is_signed_integer(DType t) { return row(t).cls == kSigned; }
bool is_unsigned_integer(DType t) { return row(t).cls == kUnsigned; }
bool is_complex(DType t) { return row(t).cls == kComplex; }

}  // namespace onnxopt
