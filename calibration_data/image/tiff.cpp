// TIFF by libtiff, the first page, in whatever colour space and packing libtiff can turn into RGBA.
#include <tiffio.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "calibration_data/image/codecs.h"

namespace onnxopt::codec {
namespace {

struct Source {
  Bytes file;
  toff_t at = 0;
};
tsize_t read(thandle_t handle, void* to, tsize_t n) {
  auto& s = *static_cast<Source*>(handle);
  if (s.at >= s.file.size() || n <= 0) return 0;
  const auto count = std::min<std::size_t>(static_cast<std::size_t>(n), s.file.size() - s.at);
  std::memcpy(to, s.file.data() + s.at, count);
  s.at += count;
  return static_cast<tsize_t>(count);
}
tsize_t refuse_write(thandle_t, void*, tsize_t) { return 0; }
toff_t seek(thandle_t handle, toff_t offset, int whence) {
  auto& s = *static_cast<Source*>(handle);
  s.at = whence == SEEK_SET ? offset : whence == SEEK_CUR ? s.at + offset : s.file.size() + offset;
  return s.at;
}
int close(thandle_t) { return 0; }
toff_t size(thandle_t handle) { return static_cast<Source*>(handle)->file.size(); }
int silent(TIFF*, void*, const char*, const char*, va_list) { return 1; }

}  // namespace

std::optional<Image> decode_tiff(Bytes file) {
  Source source{file};
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(), TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), silent, nullptr);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), silent, nullptr);
  const std::unique_ptr<TIFF, void (*)(TIFF*)> tiff(
      TIFFClientOpenExt("image", "rm", &source, read, refuse_write, seek, close, size, nullptr, nullptr, options.get()), TIFFClose);
  if (!tiff) return std::nullopt;
  std::uint32_t width = 0, height = 0;
  if (!TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width) || !TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height)) return std::nullopt;
  std::optional<Image> image = make_image(height, width, 3);
  if (!image) return std::nullopt;
  std::vector<std::uint32_t> raster(std::size_t{width} * height);
  if (!TIFFReadRGBAImageOriented(tiff.get(), width, height, raster.data(), ORIENTATION_TOPLEFT, 1)) return std::nullopt;
  for (std::size_t i = 0; i < raster.size(); ++i) {
    image->pixels[3 * i] = static_cast<std::uint8_t>(TIFFGetR(raster[i]));
    image->pixels[3 * i + 1] = static_cast<std::uint8_t>(TIFFGetG(raster[i]));
    image->pixels[3 * i + 2] = static_cast<std::uint8_t>(TIFFGetB(raster[i]));
  }
  return image;
}

}  // namespace onnxopt::codec
