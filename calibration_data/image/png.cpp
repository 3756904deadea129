// PNG by libpng. Its errors leave through longjmp, so everything that must survive lives in one struct outside of the jump.
#include <png.h>

#include <cstring>

#include "calibration_data/image/codecs.h"

namespace onnxopt::codec {
namespace {

struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  Bytes rest;
  std::optional<Image> image;
  std::vector<png_bytep> rows;
};

void read(png_structp png, png_bytep to, std::size_t n) {
  auto& rest = *static_cast<Bytes*>(png_get_io_ptr(png));
  if (rest.size() < n) png_error(png, "the end is missing");
  std::memcpy(to, rest.data(), n);
  rest = rest.subspan(n);
}
[[noreturn]] void fail(png_structp png, png_const_charp) { png_longjmp(png, 1); }
void ignore(png_structp, png_const_charp) {}

// Everything becomes 8 bits of gray or colour.
bool start(Reader& r) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  png_set_read_fn(r.png, &r.rest, read);
  png_read_info(r.png, r.info);
  png_set_expand(r.png);
  png_set_strip_16(r.png);
  png_set_strip_alpha(r.png);
  png_set_interlace_handling(r.png);
  png_read_update_info(r.png, r.info);
  return true;
}
bool read_rows(Reader& r) {
  if (setjmp(png_jmpbuf(r.png))) return false;
  png_read_image(r.png, r.rows.data());
  return true;
}

}  // namespace

std::optional<Image> decode_png(Bytes file) {
  Reader r;
  r.rest = file;
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, fail, ignore);
  if (r.png) r.info = png_create_info_struct(r.png);
  bool good = r.info && start(r);
  if (good) {
    const int channels = png_get_channels(r.png, r.info);
    const std::int64_t height = png_get_image_height(r.png, r.info);
    r.image = make_image(height, png_get_image_width(r.png, r.info), channels);
    good =
        r.image && (channels == 1 || channels == 3) && png_get_rowbytes(r.png, r.info) * static_cast<std::size_t>(height) == r.image->pixels.size();
    for (std::int64_t y = 0; good && y < height; ++y) r.rows.push_back(r.image->pixels.data() + y * r.image->width * channels);
    good = good && read_rows(r);
  }
  png_destroy_read_struct(&r.png, &r.info, nullptr);
  if (!good) return std::nullopt;
  return std::move(r.image);
}

}  // namespace onnxopt::codec
