// ImageDecoder: the codecs are those that read sample data.
#include "calibration_data/image/image.h"

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

enum class PixelFormat { rgb, bgr, gray };

// What cannot be decoded gives an image without pixels, as the specification asks.
void run_image_decoder(KernelIo& io, PixelFormat format) {
  const Tensor& file = io.in(0);
  if (file.dtype() != DType::uint8 || file.rank() != 1)
    bad_input(fmt::format("the encoded stream is {} {}, not a list of uint8", dtype_name(file.dtype()), dims_text(file.dims())));
  const std::span<const std::uint8_t> bytes = file.data<std::uint8_t>();
  std::optional<Image> decoded = bytes.empty() ? std::nullopt : decode_image(bytes);
  if (!decoded) return io.set(0, Tensor::zeros(DType::uint8, {0, 0, format == PixelFormat::gray ? 1 : 3}));
  Image image = format == PixelFormat::gray ? to_gray(std::move(*decoded)) : to_rgb(std::move(*decoded));
  if (format == PixelFormat::bgr)
    for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3) std::swap(image.pixels[i], image.pixels[i + 2]);
  io.set(0, Tensor::of<std::uint8_t>({image.height, image.width, image.channels}, image.pixels));
}
Maybe<RunFn> prepare_image_decoder(const OpCall& call, ExecEnv&) {
  const std::string format = attr<std::string>(call, "pixel_format");
  if (format == "RGB") return RunFn([](KernelIo& io) { run_image_decoder(io, PixelFormat::rgb); });
  if (format == "BGR") return RunFn([](KernelIo& io) { run_image_decoder(io, PixelFormat::bgr); });
  if (format == "Grayscale") return RunFn([](KernelIo& io) { run_image_decoder(io, PixelFormat::gray); });
  bad_input(fmt::format("attribute 'pixel_format' is \"{}\"", format));
}

constexpr Kernel kKernels[] = {{"", "ImageDecoder", 20, kAnyVersion, prepare_image_decoder}};

}  // namespace

std::span<const Kernel> image_kernels() { return kKernels; }

}  // namespace onnxopt::ref
