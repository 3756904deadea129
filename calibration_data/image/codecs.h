// One decoder a format; image.cpp chooses. Each returns none for data that it cannot read, and never more than kMaxPixels.
#pragma once

#include "calibration_data/image/image.h"

namespace onnxopt::codec {

inline constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;  // a 16k x 16k image; small files can claim any size

// An image of this size, or none if it is empty or too large.
std::optional<Image> make_image(std::int64_t height, std::int64_t width, std::int64_t channels);

using Bytes = std::span<const std::uint8_t>;
std::optional<Image> decode_bmp(Bytes file);
std::optional<Image> decode_pnm(Bytes file);
std::optional<Image> decode_jpeg(Bytes file);
std::optional<Image> decode_jpeg2000(Bytes file);
std::optional<Image> decode_png(Bytes file);
std::optional<Image> decode_tiff(Bytes file);
std::optional<Image> decode_webp(Bytes file);

}  // namespace onnxopt::codec
