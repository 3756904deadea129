// WebP by libwebp.
#include <webp/decode.h>

#include "calibration_data/image/codecs.h"

namespace onnxopt::codec {

std::optional<Image> decode_webp(Bytes file) {
  int width = 0, height = 0;
  if (!WebPGetInfo(file.data(), file.size(), &width, &height)) return std::nullopt;
  std::optional<Image> image = make_image(height, width, 3);
  if (!image || !WebPDecodeRGBInto(file.data(), file.size(), image->pixels.data(), image->pixels.size(), 3 * width)) return std::nullopt;
  return image;
}

}  // namespace onnxopt::codec
