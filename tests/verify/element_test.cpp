#include "ir/core/element.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace onnxopt;

namespace {

double through(DType t, double v, const NarrowOptions& options = {}) {
  std::byte room[16] = {};
  store_block<double>(t, room, 0, 1, &v, options);
  return load_element<double>(t, room, 0);
}

}  // namespace

TEST_SUITE("element_test") {
  TEST_CASE("every code of the small floats survives decoding and encoding") {
    for (DType t : {DType::float8e4m3fn, DType::float8e4m3fnuz, DType::float8e5m2, DType::float8e5m2fnuz, DType::float4e2m1, DType::float6e2m3,
                    DType::float6e3m2}) {
      const int codes = 1 << bit_width(t);
      for (int code = 0; code < codes; ++code) {
        std::byte one[2] = {static_cast<std::byte>(code), std::byte{0}};
        const double v = load_element<double>(t, one, 0);
        if (std::isnan(v)) continue;
        CHECK_MESSAGE(through(t, v, {.saturate = false}) == v, dtype_name(t), " code ", code);
      }
    }
  }
  TEST_CASE("halves round to nearest even, once") {
    CHECK(through(DType::float16, 2049.0) == 2048.0);
    CHECK(through(DType::float16, 2051.0) == 2052.0);
    CHECK(through(DType::float16, 2049.0 + 1e-9) == 2050.0);  // rounding to float first would lose the tail
    CHECK(std::isinf(through(DType::float16, 65520.0)));
    CHECK(through(DType::float16, 65519.0) == 65504.0);
    CHECK(through(DType::float16, 0x1p-24) == 0x1p-24);
    CHECK(through(DType::bfloat16, 257.0) == 256.0);
    for (std::uint32_t bits = 0; bits < 0x7c00; ++bits) {
      const auto half = static_cast<std::uint16_t>(bits);
      CHECK(float_to_half(half_to_float(half)) == half);
    }
  }
  TEST_CASE("float8 saturates or overflows as asked") {
    CHECK(through(DType::float8e4m3fn, 1e6) == 448.0);
    CHECK(std::isnan(through(DType::float8e4m3fn, 1e6, {.saturate = false})));
    CHECK(std::isinf(through(DType::float8e5m2, 1e6, {.saturate = false})));
    CHECK(through(DType::float8e5m2, 1e6) == 57344.0);
  }
  TEST_CASE("packed elements leave their neighbours alone") {
    std::vector<std::byte> bytes(6, std::byte{0xff});
    for (DType t : {DType::int4, DType::uint2, DType::float6e2m3}) {
      std::vector<std::uint8_t> before(8), after(8);
      unpack_codes(t, bytes.data(), 8, before.data());
      store_element<double>(t, bytes.data(), 3, 1.0);
      unpack_codes(t, bytes.data(), 8, after.data());
      CHECK(load_element<double>(t, bytes.data(), 3) == 1.0);
      for (int i = 0; i < 8; ++i)
        if (i != 3) CHECK(before[static_cast<std::size_t>(i)] == after[static_cast<std::size_t>(i)]);
    }
  }
  TEST_CASE("integers keep their low bits") {
    std::byte room[8] = {};
    store_element<std::int64_t>(DType::int8, room, 0, 200);
    CHECK(load_element<std::int64_t>(DType::int8, room, 0) == -56);
    store_element<double>(DType::int64, room, 0, 1e30);
    CHECK(load_element<std::int64_t>(DType::int64, room, 0) == INT64_MIN);
  }
}
