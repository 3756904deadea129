#include "calibration_data/npy.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ir/core/error.h"

using namespace onnxopt;

namespace {

Tensor parse(std::string_view descr, bool fortran, std::string_view shape, std::string_view data) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}\n", descr, fortran ? "True" : "False", shape);
  std::string file = "\x93NUMPY";
  file += {'\x01', '\x00', static_cast<char>(header.size()), '\x00'};
  file += header;
  file += data;
  return parse_npy(std::as_bytes(std::span(file.data(), file.size())), "a.npy");
}
using namespace std::string_view_literals;

}  // namespace

TEST_SUITE("npy_test") {
  TEST_CASE("numbers in the other byte order, row-major and column-major") {
    const Tensor t = parse(">i4", false, "(2,)", "\0\0\0\1\0\0\1\0"sv);
    CHECK(t.dtype() == DType::int32);
    CHECK(t.data<std::int32_t>()[0] == 1);
    CHECK(t.data<std::int32_t>()[1] == 256);
    const Tensor f = parse(">i2", true, "(2, 2)", "\0\1\0\2\0\3\0\4"sv);
    const std::vector<std::int16_t> wanted = {1, 3, 2, 4};
    for (std::size_t i = 0; i < 4; ++i) CHECK(f.data<std::int16_t>()[i] == wanted[i]);
    const Tensor c = parse(">c8", false, "(1,)", "\x3f\x80\0\0\x40\0\0\0"sv);  // 1 + 2i: the parts stay in their order
    const auto* parts = reinterpret_cast<const float*>(c.bytes().data());
    CHECK(parts[0] == 1);
    CHECK(parts[1] == 2);
  }
  TEST_CASE("strings in either byte order and both layouts") {
    CHECK(parse("<U2", false, "(2,)", "a\0\0\0b\0\0\0c\0\0\0\0\0\0\0"sv).strings()[0] == "ab");
    CHECK(parse(">U2", false, "(2,)", "\0\0\0a\0\0\0b\0\0\0c\0\0\0\0"sv).strings()[1] == "c");
    const Tensor f = parse("|S1", true, "(2, 2)", "abcd");
    CHECK(f.strings()[0] == "a");
    CHECK(f.strings()[1] == "c");
    CHECK(f.strings()[2] == "b");
  }
  TEST_CASE("arrays that are cut or too large to be true") {
    CHECK_THROWS_AS(parse(">i4", false, "(3,)", "\0\0\0\1\0\0\1\0"sv), Error);
    CHECK_THROWS_AS(parse("|S4", true, "(2, 2)", "abcd"), Error);
    CHECK_THROWS_AS(parse("|S4", false, "(9999999999, 9999999999)", "abcd"), Error);
  }
}
