// ConvTranspose: columns = weights' * input, then every column is added to where its tap lands in the output (Col2Im).
#include <algorithm>

#include "verify/kernels_ref/col2im.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/gemm.h"
#include "verify/kernels_ref/window.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;

struct TransposeAttrs {
  WindowAttrs window;
  Dims output_padding, output_shape;
  int64_t groups = 1;
};

// The window of the convolution whose transpose this is: `in` is our output, `out` our input.
Window transposed_window(const TransposeAttrs& a, const Dims& x, const Dims& kernel) {
  const std::size_t n = x.size();
  Window w;
  w.kernel = kernel;
  w.out = x;
  const auto sized = [&](const Dims& v, int64_t otherwise, std::size_t count, const char* name) {
    if (v.empty()) return Dims(count, otherwise);
    if (v.size() != count) bad_input(fmt::format("attribute '{}' has {} entries, not {}", name, v.size(), count));
    return v;
  };
  w.stride = sized(a.window.strides, 1, n, "strides");
  w.dilation = sized(a.window.dilations, 1, n, "dilations");
  const Dims pads = sized(a.window.pads, 0, 2 * n, "pads"), extra = sized(a.output_padding, 0, n, "output_padding");
  Dims shape = a.output_shape;
  if (shape.size() == n + 2) shape.erase(shape.begin(), shape.begin() + 2);  // with batch and channels, as old exporters wrote it
  if (!shape.empty() && shape.size() != n) bad_input(fmt::format("attribute 'output_shape' has {} entries, not {}", shape.size(), n));
  const bool same = a.window.auto_pad == "SAME_UPPER" || a.window.auto_pad == "SAME_LOWER";
  for (std::size_t d = 0; d < n; ++d) {
    if (w.stride[d] < 1 || w.dilation[d] < 1 || w.stride[d] > INT32_MAX || w.dilation[d] > INT32_MAX || kernel[d] < 1)
      bad_input("strides, dilations and kernel must be positive");
    const int64_t full = w.stride[d] * (x[d] - 1) + extra[d] + (kernel[d] - 1) * w.dilation[d] + 1;
    int64_t begin = pads[d], end = pads[d + n], out = full - begin - end;
    if (!shape.empty() || same) {
      out = shape.empty() ? x[d] * w.stride[d] : shape[d];
      const int64_t total = std::max<int64_t>(0, full - out);
      begin = a.window.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      end = total - begin;
    } else if (a.window.auto_pad == "VALID") {
      begin = end = 0;
      out = full;
    }
    if (out < 0) bad_input(fmt::format("pads {} and {} leave nothing of {}", begin, end, full));
    w.in.push_back(out);
    w.pad_begin.push_back(begin);
    w.pad_end.push_back(end);
  }
  return w;
}

// C: float (products by gemm) or double.
template <class C>
void transpose_group(const Window& w, int64_t in, int64_t out, const C* x, const C* weights, C* y) {
  const int64_t positions = w.out_size(), rows = out * w.kernel_size();
  // Output channels in chunks that keep the columns below 64 MiB.
  const int64_t per_channel = std::max<int64_t>(1, w.kernel_size() * positions),
                chunk = std::clamp<int64_t>((int64_t{1} << 24) / per_channel, 1, out);
  std::vector<C> columns(static_cast<std::size_t>(chunk * w.kernel_size() * positions));
  for (int64_t c = 0; c < out; c += chunk) {
    const int64_t n = std::min(chunk, out - c);
    const Matrix<C> a{weights + c * w.kernel_size(), 1, rows}, b{x, positions, 1};
    if constexpr (std::is_same_v<C, float>) gemm(n * w.kernel_size(), positions, in, a, b, columns.data(), positions);
    else gemm_plain<C>(n * w.kernel_size(), positions, in, a, b, columns.data(), positions);
    col2im(w, n, columns.data(), y + c * w.in_size());
  }
}

template <class C>
Tensor run_typed(const Tensor& x, const Tensor& weights, const Tensor* bias, const Window& w, int64_t groups) {
  const std::vector<C> vx = widen<C>(x), vw = widen<C>(weights), vb = bias ? widen<C>(*bias) : std::vector<C>();
  const int64_t batch = x.dims()[0], in = x.dims()[1] / groups, out = weights.dims()[1], plane = w.in_size();
  Dims shape{batch, out * groups};
  shape.insert(shape.end(), w.in.begin(), w.in.end());
  std::vector<C> y(static_cast<std::size_t>(element_count(shape)));
  for (int64_t p = 0; bias && p < batch * out * groups; ++p)
    std::fill_n(y.data() + p * plane, plane, vb[static_cast<std::size_t>(p % (out * groups))]);
  parallel_for(batch * groups, static_cast<double>(in * out * w.kernel_size() * w.out_size()), [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const int64_t g = i % groups;
      transpose_group(w, in, out, vx.data() + i * in * w.out_size(), vw.data() + g * in * out * w.kernel_size(), y.data() + i * out * plane);
    }
  });
  return narrow(x.dtype(), shape, y);
}

void run_conv_transpose(KernelIo& io, const TransposeAttrs& a) {
  const Tensor &x = io.in(0), &weights = io.in(1);
  const Tensor* bias = io.has(2) ? &io.in(2) : nullptr;
  if (x.rank() < 3 || weights.rank() != x.rank() || a.groups < 1 || x.dims()[1] % a.groups != 0 || weights.dims()[0] != x.dims()[1])
    bad_input(fmt::format("input {}, weights {}, {} groups", dims_text(x.dims()), dims_text(weights.dims()), a.groups));
  if (bias && bias->size() != weights.dims()[1] * a.groups) bad_input(fmt::format("bias {}", dims_text(bias->dims())));
  const Dims spatial(x.dims().begin() + 2, x.dims().end()), kernel(weights.dims().begin() + 2, weights.dims().end());
  if (!a.window.kernel.empty() && a.window.kernel != kernel)
    bad_input(fmt::format("kernel_shape {} for weights {}", dims_text(a.window.kernel), dims_text(weights.dims())));
  const Window w = transposed_window(a, spatial, kernel);
  if (x.dtype() == DType::float64) io.set(0, run_typed<double>(x, weights, bias, w, a.groups));
  else io.set(0, run_typed<float>(x, weights, bias, w, a.groups));
}

Maybe<RunFn> prepare_conv_transpose(const OpCall& call, ExecEnv&) {
  TransposeAttrs a;
  a.window = read_window(call);
  a.output_padding = attr_or<Ints>(call, "output_padding", {});
  a.output_shape = attr_or<Ints>(call, "output_shape", {});
  a.groups = attr_or<int64_t>(call, "group", 1);
  return RunFn([a](KernelIo& io) { run_conv_transpose(io, a); });
}

// Col2Im: the pieces of sliding blocks added up to an image.
Maybe<RunFn> prepare_col2im(const OpCall& call, ExecEnv&) {
  return RunFn([attrs = read_window(call)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const Ints image = ints_of(io.in(1)), block = ints_of(io.in(2));
    const Window w = make_window(attrs, image, block);
    if (x.rank() != 3 || x.dims()[1] % w.kernel_size() != 0 || x.dims()[2] != w.out_size())
      bad_input(fmt::format("columns {} for an image {} in blocks {}", dims_text(x.dims()), dims_text(image), dims_text(block)));
    const int64_t batch = x.dims()[0], channels = x.dims()[1] / w.kernel_size();
    Dims shape{batch, channels};
    shape.insert(shape.end(), image.begin(), image.end());
    const std::vector<double> columns = widen<double>(x);
    std::vector<double> y(static_cast<std::size_t>(element_count(shape)));
    col2im(w, batch * channels, columns.data(), y.data());
    io.set(0, narrow(x.dtype(), shape, y));
  });
}

constexpr Kernel kKernels[] = {
    {"", "ConvTranspose", 1, kAnyVersion, prepare_conv_transpose},
    {"", "Col2Im", 18, kAnyVersion, prepare_col2im},
};

}  // namespace

std::span<const Kernel> conv_transpose_kernels() { return kKernels; }

}  // namespace onnxopt::ref
