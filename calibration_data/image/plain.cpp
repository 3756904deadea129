// The formats without compression: BMP (1 to 32 bits a pixel, palettes and bit fields; no run lengths) and PNM (P1 to P6).
#include <algorithm>
#include <bit>

#include "calibration_data/image/codecs.h"

namespace onnxopt::codec {
namespace {

using std::int64_t;
using std::uint32_t;
using std::uint8_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// Little-endian numbers; 0 beyond the end.
uint32_t number(Bytes file, std::size_t offset, int bytes) {
  uint32_t v = 0;
  for (int i = 0; i < bytes; ++i)
    if (offset + at(i) < file.size()) v |= static_cast<uint32_t>(file[offset + at(i)]) << (8 * i);
  return v;
}

struct Bmp {
  int64_t width, height, row_bytes;
  bool top_down;
  uint32_t bits, compression;
  std::size_t pixels, palette, colors, entry;  // offsets, number of colours, bytes of one
  uint32_t masks[3];
};

bool read_header(Bytes file, Bmp& b) {
  const uint32_t header = number(file, 14, 4);
  if (file.size() < 26 || (header != 12 && header < 40)) return false;
  const bool old = header == 12;
  b.pixels = number(file, 10, 4);
  b.width = old ? number(file, 18, 2) : int64_t{static_cast<std::int32_t>(number(file, 18, 4))};
  b.height = old ? number(file, 20, 2) : int64_t{static_cast<std::int32_t>(number(file, 22, 4))};
  b.bits = number(file, old ? 24 : 28, 2);
  b.compression = old ? 0 : number(file, 30, 4);
  b.top_down = b.height < 0;
  if (b.top_down) b.height = -b.height;
  b.palette = 14 + std::size_t{header};
  b.entry = old ? 3 : 4;
  const uint32_t stated = old ? 0 : number(file, 46, 4);
  b.colors = b.bits > 8 ? 0 : stated != 0 ? stated : std::size_t{1} << b.bits;
  if (b.colors > 256) return false;
  const bool fields = b.compression == 3 || b.compression == 6;
  if (b.compression != 0 && !fields) return false;
  if (b.bits != 1 && b.bits != 4 && b.bits != 8 && b.bits != 16 && b.bits != 24 && b.bits != 32) return false;
  for (int c = 0; c < 3; ++c) {
    if (fields) b.masks[c] = number(file, 54 + 4 * at(c), 4);
    else b.masks[c] = b.bits == 16 ? 0x1fu << (5 * (2 - c)) : 0xffu << (8 * (2 - c));
  }
  b.row_bytes = (b.width * static_cast<int64_t>(b.bits) + 31) / 32 * 4;
  return b.width > 0 && b.width <= kMaxPixels && b.height > 0 && b.pixels <= file.size() &&
         b.height <= static_cast<int64_t>(file.size() - b.pixels) / b.row_bytes;
}

uint8_t field(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  const uint32_t top = mask >> std::countr_zero(mask), v = (pixel & mask) >> std::countr_zero(mask);
  return static_cast<uint8_t>((std::uint64_t{v} * 255 + top / 2) / top);
}

}  // namespace

std::optional<Image> decode_bmp(Bytes file) {
  Bmp b{};
  if (!read_header(file, b)) return std::nullopt;
  std::optional<Image> image = make_image(b.height, b.width, 3);
  if (!image) return std::nullopt;
  uint8_t* to = image->pixels.data();
  for (int64_t y = 0; y < b.height; ++y) {
    const std::size_t row = b.pixels + at((b.top_down ? y : b.height - 1 - y) * b.row_bytes);
    for (int64_t x = 0; x < b.width; ++x, to += 3) {
      if (b.bits <= 8) {
        const uint32_t per_byte = 8 / b.bits, byte = file[row + at(x) / per_byte];
        const uint32_t index = byte >> (8 - b.bits * (static_cast<uint32_t>(x) % per_byte + 1)) & ((1u << b.bits) - 1);
        if (index >= b.colors) return std::nullopt;
        for (std::size_t c = 0; c < 3; ++c) to[c] = static_cast<uint8_t>(number(file, b.palette + index * b.entry + 2 - c, 1));
      } else {
        const uint32_t pixel = number(file, row + at(x) * (b.bits / 8), static_cast<int>(b.bits / 8));
        for (int c = 0; c < 3; ++c) to[c] = field(pixel, b.masks[c]);
      }
    }
  }
  return image;
}

namespace {

// Numbers of a PNM header or text body, separated by white space and comments.
class PnmReader {
 public:
  PnmReader(Bytes file, std::size_t offset) : file_(file), at_(offset) {}
  int64_t next() {  // -1 at the end
    skip();
    int64_t v = -1;
    for (; at_ < file_.size() && is_digit(file_[at_]) && v < kMaxPixels; ++at_) v = (v < 0 ? 0 : v) * 10 + (file_[at_] - '0');
    return v;
  }
  int64_t next_bit() {  // P1 needs no space between its digits
    skip();
    return at_ < file_.size() && is_digit(file_[at_]) ? file_[at_++] - '0' : -1;
  }
  std::size_t body() const { return at_ + 1; }  // one white space ends the header

 private:
  static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
  void skip() {
    while (at_ < file_.size() && (file_[at_] == ' ' || (file_[at_] >= '\t' && file_[at_] <= '\r') || file_[at_] == '#')) {
      if (file_[at_] == '#')
        while (at_ < file_.size() && file_[at_] != '\n') ++at_;
      else ++at_;
    }
  }
  Bytes file_;
  std::size_t at_;
};

uint8_t scaled(int64_t v, int64_t top) { return static_cast<uint8_t>(std::min<int64_t>(255, (v * 510 + top) / (2 * top))); }

}  // namespace

std::optional<Image> decode_pnm(Bytes file) {
  const int kind = file[1] - '0';
  PnmReader reader(file, 2);
  const bool bits = kind == 1 || kind == 4, text = kind <= 3;
  const int64_t width = reader.next(), height = reader.next(), top = bits ? 1 : reader.next();
  if (top < 1 || top > 65535) return std::nullopt;
  const int64_t channels = kind == 3 || kind == 6 ? 3 : 1;
  const auto available = static_cast<int64_t>(file.size()) * (kind == 4 ? 8 : 1);
  if (width < 1 || height < 1 || height > available / width) return std::nullopt;  // a small file cannot ask for much memory
  std::optional<Image> image = make_image(height, width, channels);
  if (!image) return std::nullopt;
  const int64_t samples = width * channels, bytes = top > 255 ? 2 : 1, row_bytes = kind == 4 ? (width + 7) / 8 : samples * bytes;
  const std::size_t body = reader.body();
  if (!text && (body > file.size() || height > static_cast<int64_t>(file.size() - body) / row_bytes)) return std::nullopt;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < samples; ++x) {
      int64_t v = 0;
      const std::size_t row = body + at(y * row_bytes);
      if (text) v = bits ? reader.next_bit() : reader.next();
      else if (kind == 4) v = file[row + at(x / 8)] >> (7 - x % 8) & 1;
      else v = bytes == 1 ? file[row + at(x)] : file[row + at(2 * x)] * 256 + file[row + at(2 * x + 1)];
      if (v < 0) return std::nullopt;
      image->pixels[at(y * samples + x)] = bits ? (v != 0 ? 0 : 255) : scaled(v, top);
    }
  return image;
}

}  // namespace onnxopt::codec
