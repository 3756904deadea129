#include "calibration_data/image/image.h"

#include <doctest/doctest.h>

#include <string>

using namespace onnxopt;

namespace {

std::optional<Image> decode(const std::string& file) { return decode_image({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()}); }
std::string little(std::uint64_t v, int bytes) {
  std::string s;
  for (int i = 0; i < bytes; ++i) s += static_cast<char>(v >> (8 * i) & 0xff);
  return s;
}
// 2 x 2 pixels of `bits`, rows padded to four bytes.
std::string bmp(std::uint32_t bits, std::int32_t height, const std::string& palette, const std::string& rows) {
  const auto offset = static_cast<std::uint32_t>(54 + palette.size());
  return "BM" + little(0, 8) + little(offset, 4) + little(40, 4) + little(2, 4) + little(static_cast<std::uint32_t>(height), 4) + little(1, 2) +
         little(bits, 2) + little(0, 8) + little(0, 8) + little(static_cast<std::uint32_t>(palette.size() / 4), 4) + little(0, 4) + palette + rows;
}
using Pixels = std::vector<std::uint8_t>;

}  // namespace

TEST_SUITE("image_test") {
  TEST_CASE("PNM, text and binary, any depth") {
    const auto text = decode("P3\n# two pixels\n2 1\n15\n15 0 5  1 2 3\n");
    REQUIRE(text);
    CHECK(text->channels == 3);
    CHECK(text->pixels == Pixels{255, 0, 85, 17, 34, 51});
    const auto bits = decode(std::string("P4 3 2\n") + "\xa0\x40");
    REQUIRE(bits);
    CHECK(bits->pixels == Pixels{0, 255, 0, 255, 0, 255});
    const auto deep = decode(std::string("P5 1 1 65535\n") + "\x80" + std::string(1, '\0'));
    REQUIRE(deep);
    CHECK(deep->pixels == Pixels{128});
    CHECK(to_rgb(*deep).pixels == Pixels{128, 128, 128});
  }
  TEST_CASE("BMP, rows from below or above, with a palette") {
    const std::string rows = std::string("\1\2\3\4\5\6\0\0", 8) + std::string("\7\10\11\12\13\14\0\0", 8);
    const auto up = decode(bmp(24, 2, "", rows)), down = decode(bmp(24, -2, "", rows));
    REQUIRE(up);
    REQUIRE(down);
    CHECK(up->pixels == Pixels{9, 8, 7, 12, 11, 10, 3, 2, 1, 6, 5, 4});
    CHECK(down->pixels == Pixels{3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10});
    const std::string palette("\1\2\3\0\4\5\6\0", 8);
    const auto indexed = decode(bmp(1, 2, palette, std::string("\x40\0\0\0\x80\0\0\0", 8)));
    REQUIRE(indexed);
    CHECK(indexed->pixels == Pixels{6, 5, 4, 3, 2, 1, 3, 2, 1, 6, 5, 4});
    CHECK_FALSE(decode(bmp(8, 2, palette, std::string("\2\0\0\0\0\0\0\0", 8))));  // colour 2 of 2
  }
  TEST_CASE("what cannot be read is none, and a small file never asks for much memory") {
    for (const char* file :
         {"", "P", "P6", "P6 2 2 255\n12345", "P6 100000 100000 255\n0", "P2 2 1 300000 1 1", "P1 2 2 1 1 1", "BM", "II*", "GIF89a"})
      CHECK_MESSAGE(!decode(file), file);
    for (const char* magic : {"\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "MM\0*", "RIFF0000WEBP", "\xff\x4f\xff\x51"})
      CHECK_FALSE(decode(std::string(magic) + std::string(100, '\x11')));
    CHECK_FALSE(decode(bmp(24, 2, "", "short")));
    CHECK_FALSE(decode(bmp(24, 0x7fffffff, "", std::string(16, '\0'))));
  }
  TEST_CASE("gray weighs the colours") { CHECK(to_gray({1, 3, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255}}).pixels == Pixels{76, 150, 29}); }
}
