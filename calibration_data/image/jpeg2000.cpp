// JPEG 2000 by OpenJPEG: JP2 files and bare codestreams.
#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "calibration_data/image/codecs.h"

namespace onnxopt::codec {
namespace {

struct Source {
  Bytes file;
  std::size_t at = 0;
};
OPJ_SIZE_T read(void* to, OPJ_SIZE_T n, void* handle) {
  auto& s = *static_cast<Source*>(handle);
  const std::size_t count = std::min<std::size_t>(n, s.file.size() - s.at);
  if (count == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(to, s.file.data() + s.at, count);
  s.at += count;
  return count;
}
OPJ_OFF_T skip(OPJ_OFF_T n, void* handle) {
  auto& s = *static_cast<Source*>(handle);
  const auto to = static_cast<std::int64_t>(s.at) + n;
  s.at = static_cast<std::size_t>(std::clamp<std::int64_t>(to, 0, static_cast<std::int64_t>(s.file.size())));
  return n;
}
OPJ_BOOL seek(OPJ_OFF_T to, void* handle) {
  auto& s = *static_cast<Source*>(handle);
  if (to < 0 || static_cast<std::size_t>(to) > s.file.size()) return OPJ_FALSE;
  s.at = static_cast<std::size_t>(to);
  return OPJ_TRUE;
}
void ignore(const char*, void*) {}

template <class T>
using Owner = std::unique_ptr<T, void (*)(T*)>;

Owner<opj_image_t> read_image(Bytes file) {
  Source source{file};
  const bool boxes = file[0] == 0;  // JP2 starts with the length of its first box
  const Owner<opj_stream_t> stream(static_cast<opj_stream_t*>(opj_stream_default_create(OPJ_TRUE)), [](opj_stream_t* s) { opj_stream_destroy(s); });
  const Owner<opj_codec_t> codec(static_cast<opj_codec_t*>(opj_create_decompress(boxes ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K)),
                                 [](opj_codec_t* c) { opj_destroy_codec(c); });
  Owner<opj_image_t> none(nullptr, opj_image_destroy);
  if (!stream || !codec) return none;
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), file.size());
  opj_stream_set_read_function(stream.get(), read);
  opj_stream_set_skip_function(stream.get(), skip);
  opj_stream_set_seek_function(stream.get(), seek);
  opj_set_info_handler(codec.get(), ignore, nullptr);
  opj_set_warning_handler(codec.get(), ignore, nullptr);
  opj_set_error_handler(codec.get(), ignore, nullptr);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  opj_image_t* raw = nullptr;
  if (!opj_setup_decoder(codec.get(), &parameters) || !opj_read_header(stream.get(), codec.get(), &raw)) return none;
  Owner<opj_image_t> image(raw, opj_image_destroy);
  if (!make_image(std::int64_t{raw->y1} - raw->y0, std::int64_t{raw->x1} - raw->x0, 1)) return none;
  if (!opj_decode(codec.get(), stream.get(), raw) || !opj_end_decompress(codec.get(), stream.get())) return none;
  return image;
}

// Component value at a pixel of the full grid, as 8 bits; a component may be subsampled.
double component(const opj_image_comp_t& c, std::int64_t y, std::int64_t x) {
  const std::int64_t row = std::min<std::int64_t>(y / c.dy, std::int64_t{c.h} - 1), column = std::min<std::int64_t>(x / c.dx, std::int64_t{c.w} - 1);
  const std::int64_t v = c.data[row * c.w + column] + (c.sgnd ? std::int64_t{1} << (c.prec - 1) : 0);
  return static_cast<double>(v) * 255 / static_cast<double>((std::int64_t{1} << c.prec) - 1);
}
std::uint8_t byte(double v) { return static_cast<std::uint8_t>(std::clamp(v + 0.5, 0.0, 255.0)); }

}  // namespace

std::optional<Image> decode_jpeg2000(Bytes file) {
  const Owner<opj_image_t> image = read_image(file);
  if (!image) return std::nullopt;
  const std::int64_t height = std::int64_t{image->y1} - image->y0, width = std::int64_t{image->x1} - image->x0;
  const bool color = image->numcomps >= 3, luminance = color && image->color_space == OPJ_CLRSPC_SYCC;
  std::optional<Image> out = make_image(height, width, color ? 3 : 1);
  for (std::uint32_t c = 0; c < (color ? 3u : 1u); ++c) {
    const opj_image_comp_t& comp = image->comps[c];
    if (image->numcomps == 0 || !comp.data || comp.dx < 1 || comp.dy < 1 || comp.w < 1 || comp.h < 1 || comp.prec < 1 || comp.prec > 31)
      return std::nullopt;
  }
  std::uint8_t* to = out->pixels.data();
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const double a = component(image->comps[0], y, x);
      if (!color) {
        *to++ = byte(a);
        continue;
      }
      const double b = component(image->comps[1], y, x), c = component(image->comps[2], y, x);
      *to++ = byte(luminance ? a + 1.402 * (c - 128) : a);
      *to++ = byte(luminance ? a - 0.344136 * (b - 128) - 0.714136 * (c - 128) : b);
      *to++ = byte(luminance ? a + 1.772 * (b - 128) : c);
    }
  return out;
}

}  // namespace onnxopt::codec
