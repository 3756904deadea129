// JPEG by libjpeg. Its errors leave through longjmp, so everything that must survive lives in one struct outside of the jump.
#include <csetjmp>
#include <cstddef>
#include <cstdio>

// after the standard headers, which it needs and does not include
#include <jpeglib.h>

#include "calibration_data/image/codecs.h"

namespace onnxopt::codec {
namespace {

struct Reader {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  std::jmp_buf failed{};
  std::optional<Image> image;
  std::vector<std::uint8_t> row;  // CMYK files
};

[[noreturn]] void fail(j_common_ptr jpeg) { std::longjmp(static_cast<Reader*>(jpeg->client_data)->failed, 1); }
void ignore(j_common_ptr) {}

bool start(Reader& r, Bytes file) {
  if (setjmp(r.failed)) return false;
  jpeg_create_decompress(&r.jpeg);
  jpeg_mem_src(&r.jpeg, file.data(), static_cast<unsigned long>(file.size()));
  if (jpeg_read_header(&r.jpeg, TRUE) != JPEG_HEADER_OK) return false;
  const bool four = r.jpeg.jpeg_color_space == JCS_CMYK || r.jpeg.jpeg_color_space == JCS_YCCK;
  r.jpeg.out_color_space = four ? JCS_CMYK : r.jpeg.jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
  return jpeg_start_decompress(&r.jpeg) != FALSE;
}

bool read_row(Reader& r) {
  if (setjmp(r.failed)) return false;
  const std::size_t width = r.jpeg.output_width, line = r.jpeg.output_scanline;
  JSAMPROW to = r.row.empty() ? r.image->pixels.data() + line * width * static_cast<std::size_t>(r.image->channels) : r.row.data();
  return jpeg_read_scanlines(&r.jpeg, &to, 1) == 1;
}

// Adobe stores the four inks inverted.
void add_cmyk(const Reader& r, std::uint8_t* to) {
  const bool inverted = r.jpeg.saw_Adobe_marker;
  for (std::size_t x = 0; x < r.jpeg.output_width; ++x, to += 3) {
    const std::uint8_t* ink = r.row.data() + 4 * x;
    for (std::size_t c = 0; c < 3; ++c) {
      const unsigned a = inverted ? ink[c] : 255u - ink[c], k = inverted ? ink[3] : 255u - ink[3];
      to[c] = static_cast<std::uint8_t>((a * k + 127) / 255);
    }
  }
}

}  // namespace

std::optional<Image> decode_jpeg(Bytes file) {
  Reader r;
  r.jpeg.err = jpeg_std_error(&r.errors);
  r.jpeg.client_data = &r;
  r.errors.error_exit = fail;
  r.errors.output_message = ignore;
  bool good = start(r, file);
  if (good) {
    const int parts = r.jpeg.output_components;
    r.image = make_image(r.jpeg.output_height, r.jpeg.output_width, parts == 4 ? 3 : parts);
    good = r.image && (parts == 1 || parts == 3 || parts == 4);
    if (good && parts == 4) r.row.resize(std::size_t{4} * r.jpeg.output_width);
  }
  while (good && r.jpeg.output_scanline < r.jpeg.output_height) {
    std::uint8_t* to = r.image->pixels.data() + std::size_t{3} * r.jpeg.output_width * r.jpeg.output_scanline;
    good = read_row(r);
    if (good && !r.row.empty()) add_cmyk(r, to);
  }
  jpeg_destroy_decompress(&r.jpeg);
  if (!good) return std::nullopt;
  return std::move(r.image);
}

}  // namespace onnxopt::codec
