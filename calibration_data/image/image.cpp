#include "calibration_data/image/image.h"

#include <cstring>
#include <string_view>

#include "calibration_data/image/codecs.h"

namespace onnxopt {

std::optional<Image> codec::make_image(std::int64_t height, std::int64_t width, std::int64_t channels) {
  if (height < 1 || width < 1 || height > kMaxPixels / width) return std::nullopt;
  return Image{height, width, channels, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * channels))};
}

std::optional<Image> decode_image(std::span<const std::uint8_t> file) {
  using namespace std::string_view_literals;
  struct Format {
    std::size_t offset;
    std::string_view magic;
    std::optional<Image> (*decode)(codec::Bytes);
  };
  static constexpr Format kFormats[] = {
      {0, "\xff\xd8\xff"sv, codec::decode_jpeg},
      {0, "\x89PNG\r\n\x1a\n"sv, codec::decode_png},
      {0, "BM"sv, codec::decode_bmp},
      {8, "WEBP"sv, codec::decode_webp},
      {0, "II*\0"sv, codec::decode_tiff},
      {0, "MM\0*"sv, codec::decode_tiff},
      {0, "II+\0"sv, codec::decode_tiff},
      {0, "MM\0+"sv, codec::decode_tiff},
      {4, "jP  \r\n\x87\n"sv, codec::decode_jpeg2000},
      {0, "\xff\x4f\xff\x51"sv, codec::decode_jpeg2000},
      {0, "P1"sv, codec::decode_pnm},
      {0, "P2"sv, codec::decode_pnm},
      {0, "P3"sv, codec::decode_pnm},
      {0, "P4"sv, codec::decode_pnm},
      {0, "P5"sv, codec::decode_pnm},
      {0, "P6"sv, codec::decode_pnm},
  };
  for (const Format& f : kFormats)
    if (file.size() >= f.offset + f.magic.size() && std::memcmp(file.data() + f.offset, f.magic.data(), f.magic.size()) == 0) return f.decode(file);
  return std::nullopt;
}

Image to_rgb(Image image) {
  if (image.channels == 3) return image;
  Image out{image.height, image.width, 3, {}};
  out.pixels.reserve(image.pixels.size() * 3);
  for (std::uint8_t v : image.pixels) out.pixels.insert(out.pixels.end(), 3, v);
  return out;
}

Image to_gray(Image image) {
  if (image.channels == 1) return image;
  Image out{image.height, image.width, 1, {}};
  out.pixels.reserve(image.pixels.size() / 3);
  for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
    const std::uint32_t sum = 19595u * image.pixels[i] + 38470u * image.pixels[i + 1] + 7471u * image.pixels[i + 2] + 0x8000u;
    out.pixels.push_back(static_cast<std::uint8_t>(sum >> 16));
  }
  return out;
}

}  // namespace onnxopt
