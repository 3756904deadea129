// Conv. Float32: products of the weights with the unrolled input (never stored whole: gemm asks for panels), plain loops for depthwise groups.
#include "verify/kernels_ref/conv.h"

#include <algorithm>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/gemm.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;

// Output columns [first, last) of a row whose tap at column ow reads ow * stride + offset inside [0, in).
struct Valid {
  int64_t first, last;
};
Valid valid_range(int64_t offset, int64_t stride, int64_t in, int64_t out) {
  const int64_t first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  const int64_t last = offset >= in ? 0 : (in - 1 - offset) / stride + 1;
  return {std::min(first, out), std::clamp(last, std::min(first, out), out)};
}

// Rows: input channel and kernel tap; columns: output positions. Windows have three dims.
class UnrolledInput final : public PanelSource {
 public:
  UnrolledInput(const Window& w, const float* x) : w_(w), x_(x) {}
  void pack(int64_t k0, int64_t kc, int64_t j0, int64_t n, float* panel, int64_t width) const override {
    const int64_t kw = w_.kernel[2], kh = w_.kernel[1], taps = w_.kernel_size();
    for (int64_t k = k0; k < k0 + kc; ++k, panel += width) {
      const int64_t channel = k / taps, tap = k % taps;
      pack_row(x_ + channel * w_.in_size(), tap / (kw * kh), tap / kw % kh, tap % kw, j0, n, panel);
      std::fill(panel + n, panel + width, 0.0f);
    }
  }

 private:
  void pack_row(const float* x, int64_t kd, int64_t kh, int64_t kw, int64_t j0, int64_t n, float* to) const {
    const int64_t ow_n = w_.out[2], oh_n = w_.out[1];
    const int64_t offset = kw * w_.dilation[2] - w_.pad_begin[2], stride = w_.stride[2];
    const Valid valid = valid_range(offset, stride, w_.in[2], ow_n);
    for (int64_t j = j0; j < j0 + n;) {
      const int64_t ow = j % ow_n, line = j / ow_n, count = std::min(ow_n - ow, j0 + n - j);
      const int64_t id = line / oh_n * w_.stride[0] - w_.pad_begin[0] + kd * w_.dilation[0];
      const int64_t ih = line % oh_n * w_.stride[1] - w_.pad_begin[1] + kh * w_.dilation[1];
      if (id < 0 || id >= w_.in[0] || ih < 0 || ih >= w_.in[1]) {
        std::fill(to, to + count, 0.0f);
      } else {
        const float* row = x + (id * w_.in[1] + ih) * w_.in[2] + offset;
        const int64_t first = std::clamp(valid.first - ow, int64_t{0}, count), last = std::clamp(valid.last - ow, first, count);
        std::fill(to, to + first, 0.0f);
        if (stride == 1) std::copy(row + ow + first, row + ow + last, to + first);
        else
          for (int64_t i = first; i < last; ++i) to[i] = row[(ow + i) * stride];
        std::fill(to + last, to + count, 0.0f);
      }
      to += count;
      j += count;
    }
  }

  const Window& w_;
  const float* x_;
};

// One output channel of a group with few input channels: shifted rows times scalars.
void conv_direct(const Window& w, int64_t channels, const float* x, const float* weights, float* y) {
  for (int64_t c = 0; c < channels; ++c, x += w.in_size())
    for (int64_t kd = 0; kd < w.kernel[0]; ++kd)
      for (int64_t kh = 0; kh < w.kernel[1]; ++kh)
        for (int64_t kw = 0; kw < w.kernel[2]; ++kw) {
          const float f = *weights++;
          const int64_t offset = kw * w.dilation[2] - w.pad_begin[2], stride = w.stride[2];
          const Valid valid = valid_range(offset, stride, w.in[2], w.out[2]);
          for (int64_t od = 0; od < w.out[0]; ++od) {
            const int64_t id = od * w.stride[0] - w.pad_begin[0] + kd * w.dilation[0];
            if (id < 0 || id >= w.in[0]) continue;
            for (int64_t oh = 0; oh < w.out[1]; ++oh) {
              const int64_t ih = oh * w.stride[1] - w.pad_begin[1] + kh * w.dilation[1];
              if (ih < 0 || ih >= w.in[1]) continue;
              const float* from = x + (id * w.in[1] + ih) * w.in[2] + offset;
              float* to = y + (od * w.out[1] + oh) * w.out[2];
              if (stride == 1)
                for (int64_t i = valid.first; i < valid.last; ++i) to[i] += f * from[i];
              else
                for (int64_t i = valid.first; i < valid.last; ++i) to[i] += f * from[i * stride];
            }
          }
        }
}

bool is_pointwise(const Window& w) {
  for (std::size_t d = 0; d < w.rank(); ++d)
    if (w.kernel[d] != 1 || w.stride[d] != 1 || w.pad_begin[d] != 0 || w.pad_end[d] != 0) return false;
  return true;
}

void run_conv(KernelIo& io, const WindowAttrs& attrs, int64_t groups) {
  io.set(0, conv(io.in(0), io.in(1), io.has(2) ? &io.in(2) : nullptr, groups, attrs));
}

Maybe<RunFn> prepare_conv(const OpCall& call, ExecEnv&) {
  return RunFn([attrs = read_window(call), groups = attr_or<int64_t>(call, "group", 1)](KernelIo& io) { run_conv(io, attrs, groups); });
}

constexpr Kernel kKernels[] = {
    {"", "Conv", 1, kAnyVersion, prepare_conv},
};

}  // namespace

Dims ConvShape::out() const {
  Dims r{batch, out_channels};
  r.insert(r.end(), window.out.begin(), window.out.end());
  return r;
}

ConvShape conv_shape(const Dims& x, const Dims& w, int64_t groups, const WindowAttrs& attrs) {
  if (x.size() < 3 || w.size() != x.size()) bad_input(fmt::format("input {}, weights {}", dims_text(x), dims_text(w)));
  if (groups < 1 || x[1] % groups != 0 || w[0] % groups != 0 || w[1] != x[1] / groups)
    bad_input(fmt::format("input {}, weights {}, {} groups: channels do not fit", dims_text(x), dims_text(w), groups));
  const Dims kernel(w.begin() + 2, w.end());
  if (!attrs.kernel.empty() && attrs.kernel != kernel)
    bad_input(fmt::format("kernel_shape {} for weights {}", dims_text(attrs.kernel), dims_text(w)));
  return {x[0], groups, x[1], w[0], make_window(attrs, Dims(x.begin() + 2, x.end()), kernel)};
}

void conv_float(const ConvShape& s, const float* x, const float* w, const float* bias, float* y) {
  const Window win = s.window.padded_to(3);
  const int64_t in = s.in_channels / s.groups, out = s.out_channels / s.groups, positions = win.out_size(), taps = in * win.kernel_size();
  auto start = [&](int64_t channel, float* to) { std::fill(to, to + positions, bias ? bias[channel] : 0.0f); };
  if (out < 4 && taps <= 256) {
    const int64_t planes = s.batch * s.out_channels;
    parallel_for(planes, 0.3 * static_cast<double>(positions * taps), [&](int64_t from, int64_t to) {
      for (int64_t p = from; p < to; ++p) {
        const int64_t n = p / s.out_channels, channel = p % s.out_channels, first = channel / out * in;
        start(channel, y + p * positions);
        conv_direct(win, in, x + (n * s.in_channels + first) * win.in_size(), w + channel * taps, y + p * positions);
      }
    });
    return;
  }
  const bool pointwise = is_pointwise(win);
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t g = 0; g < s.groups; ++g) {
      const float* from = x + (n * s.in_channels + g * in) * win.in_size();
      float* to = y + (n * s.out_channels + g * out) * positions;
      for (int64_t c = 0; c < out; ++c) start(g * out + c, to + c * positions);
      const Matrix<float> a{w + g * out * taps, taps, 1};
      if (pointwise) gemm(out, positions, taps, a, Matrix<float>{from, positions, 1}, to, positions, {.accumulate = true});
      else gemm(out, positions, taps, a, UnrolledInput(win, from), to, positions, {.accumulate = true});
    }
}

std::vector<double> conv_double(const ConvShape& s, const std::vector<double>& x, const std::vector<double>& w, const double* bias) {
  const Window& win = s.window;
  const int64_t in = s.in_channels / s.groups, out = s.out_channels / s.groups, positions = win.out_size(), taps = win.kernel_size();
  std::vector<double> y(static_cast<std::size_t>(s.batch * s.out_channels * positions));
  parallel_for(s.batch * s.out_channels, 3.0 * static_cast<double>(positions * taps * in), [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p) {
      const int64_t n = p / s.out_channels, channel = p % s.out_channels;
      const double* image = x.data() + (n * s.in_channels + channel / out * in) * win.in_size();
      const double* weights = w.data() + channel * in * taps;
      double* to_plane = y.data() + p * positions;
      Dims at(win.rank());
      for (int64_t j = 0; j < positions; ++j, next_position(at, win.out)) {
        double sum = bias ? bias[channel] : 0;
        for_taps(win, at, [&](int64_t k, int64_t i) {
          for (int64_t c = 0; c < in; ++c) sum += image[c * win.in_size() + i] * weights[c * taps + k];
        });
        to_plane[j] = sum;
      }
    }
  });
  return y;
}

Tensor conv(const Tensor& x, const Tensor& w, const Tensor* bias, int64_t groups, const WindowAttrs& attrs) {
  if (x.dtype() != w.dtype()) bad_input(fmt::format("input is {}, weights {}", dtype_name(x.dtype()), dtype_name(w.dtype())));
  const ConvShape s = conv_shape(x.dims(), w.dims(), groups, attrs);
  if (bias && bias->size() != s.out_channels) bad_input(fmt::format("bias {} for {} channels", dims_text(bias->dims()), s.out_channels));
  if (x.dtype() == DType::float64 || !is_float(x.dtype()) || s.window.rank() > 3) {
    const std::vector<double> b = bias ? widen<double>(*bias) : std::vector<double>();
    return narrow(x.dtype(), s.out(), conv_double(s, widen<double>(x), widen<double>(w), bias ? b.data() : nullptr));
  }
  const FloatView fx(x), fw(w), fb(bias ? *bias : Tensor::scalar(0.0f));
  Buffer y(DType::float32, s.out());
  conv_float(s, fx.data, fw.data, bias ? fb.data : nullptr, y.as<float>());
  if (x.dtype() == DType::float32) return std::move(y).tensor();
  Buffer rounded(x.dtype(), s.out());
  store_block<float>(x.dtype(), rounded.bytes(), 0, rounded.size(), y.as<float>());
  return std::move(rounded).tensor();
}

std::span<const Kernel> conv_kernels() { return kKernels; }

}  // namespace onnxopt::ref
