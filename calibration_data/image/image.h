// Encoded images (BMP, JPEG, JPEG 2000, PNG, PNM, TIFF, WebP) to pixels. Formats are told apart by their first bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace onnxopt {

// 8 bits a channel, rows from the top, channels last: 1 (gray) or 3 (red, green, blue). Alpha is dropped, not blended.
struct Image {
  std::int64_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
};

// None: no known format, or the data is damaged.
std::optional<Image> decode_image(std::span<const std::uint8_t> file);

// Gray values repeat in all three channels; colours weigh 299 : 587 : 114 (ITU-R BT.601, rounded as Pillow does).
Image to_rgb(Image image);
Image to_gray(Image image);

}  // namespace onnxopt
