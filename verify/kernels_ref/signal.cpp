// DFT, STFT, the windows (Hann, Hamming, Blackman) and MelWeightMatrix. All arithmetic is double.
#include <cmath>
#include <numbers>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/fft.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using Complex = std::complex<double>;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// Longer tables are refused rather than allocated: 2^28 complex numbers are 4 GiB.
constexpr int64_t kMaxLength = int64_t{1} << 28;
int64_t checked_length(int64_t n, const char* what) {
  if (n < 1 || n > kMaxLength) bad_input(fmt::format("{} is {}", what, n));
  return n;
}
bool flag(const OpCall& call, std::string_view name) {
  const auto v = attr<int64_t>(call, name);
  if (v != 0 && v != 1) bad_input(fmt::format("attribute '{}' is {}, not 0 or 1", name, v));
  return v == 1;
}

// The last dim: 1 for real, 2 for complex numbers.
bool is_complex_signal(const Tensor& x) {
  const int64_t parts = x.rank() < 2 ? 0 : x.dims().back();
  if (parts != 1 && parts != 2) bad_input(fmt::format("the input is {}; its last dim must be 1 (real) or 2 (complex)", dims_text(x.dims())));
  return parts == 2;
}

// ---- DFT
struct DftPlan {
  int64_t axis, length, in_length, out_length;
  bool inverse, onesided;
};

// One line: gathers `used` numbers, transforms, leaves plan.length numbers in `line`.
void transform_line(const DftPlan& p, const Fft& fft, std::vector<Complex>& line) {
  if (p.inverse && p.onesided) {  // the missing half is the conjugate of the given one
    line[0].imag(0);
    for (int64_t k = 1; k <= p.length / 2; ++k) {
      if (2 * k == p.length) line[at(k)].imag(0);
      line[at(p.length - k)] = std::conj(line[at(k)]);
    }
  }
  fft.run(line, p.inverse);
}

void run_dft(KernelIo& io, int64_t stated_axis, bool inverse, bool onesided) {
  const Tensor& x = io.in(0);
  const bool complex = is_complex_signal(x);
  if (onesided && complex != inverse)
    bad_input(inverse ? "the inverse of a one-sided transform needs complex input" : "a one-sided transform needs real input");
  DftPlan p{};
  p.axis = normalize_axis(stated_axis, x.rank());
  if (p.axis == x.rank() - 1) bad_input("the axis is the last one, which holds the real and imaginary parts");
  p.inverse = inverse;
  p.onesided = onesided;
  p.in_length = x.dims()[at(p.axis)];
  p.length = io.has(1) ? scalar_of<int64_t>(io.in(1)) : inverse && onesided ? 2 * (p.in_length - 1) : p.in_length;
  if (io.has(1) || p.length != 0) checked_length(p.length, "the length of the transform");
  p.out_length = onesided && !inverse ? p.length / 2 + 1 : p.length;
  const int64_t in_parts = complex ? 2 : 1, out_parts = inverse && onesided ? 1 : 2;
  const int64_t used = std::min(p.in_length, inverse && onesided ? p.length / 2 + 1 : p.length);
  Dims out_dims = x.dims();
  out_dims[at(p.axis)] = p.length == 0 ? 0 : p.out_length;
  out_dims.back() = out_parts;
  if (p.length == 0) return io.set(0, Tensor::zeros(x.dtype(), out_dims));
  const int64_t outer = product(x.dims(), 0, at(p.axis)), inner = product(x.dims(), at(p.axis) + 1, x.dims().size() - 1);
  const std::vector<double> in = widen<double>(x);
  std::vector<double> out(at(element_count(out_dims)));
  const Fft fft(at(p.length));
  const double cost = 10.0 * static_cast<double>(p.length) * (1 + std::log2(static_cast<double>(p.length)));
  parallel_for(outer * inner, cost, [&](int64_t from, int64_t to) {
    std::vector<Complex> line;
    for (int64_t i = from; i < to; ++i) {
      const int64_t o = i / inner, r = i % inner;
      line.assign(at(p.length), 0.0);
      for (int64_t k = 0; k < used; ++k) {
        const double* v = in.data() + ((o * p.in_length + k) * inner + r) * in_parts;
        line[at(k)] = {v[0], complex ? v[1] : 0.0};
      }
      transform_line(p, fft, line);
      for (int64_t k = 0; k < p.out_length; ++k) {
        double* v = out.data() + ((o * p.out_length + k) * inner + r) * out_parts;
        v[0] = line[at(k)].real();
        if (out_parts == 2) v[1] = line[at(k)].imag();
      }
    }
  });
  io.set(0, narrow(x.dtype(), out_dims, out));
}
Maybe<RunFn> prepare_dft_17(const OpCall& call, ExecEnv&) {
  return RunFn([axis = attr<int64_t>(call, "axis"), inverse = flag(call, "inverse"), onesided = flag(call, "onesided")](KernelIo& io) {
    run_dft(io, axis, inverse, onesided);
  });
}
Maybe<RunFn> prepare_dft_20(const OpCall& call, ExecEnv&) {
  return RunFn([inverse = flag(call, "inverse"), onesided = flag(call, "onesided")](KernelIo& io) {
    run_dft(io, io.has(2) ? scalar_of<int64_t>(io.in(2)) : -2, inverse, onesided);
  });
}

// ---- STFT: signal [batch, length, 1 or 2] (ONNX Runtime also takes [batch, length]), frame_step, window?, frame_length?
// One-sided is the default and then also what complex signals get, though it keeps half of their spectrum only: all runtimes do so.
void run_stft(KernelIo& io, bool onesided) {
  const Tensor& x = io.in(0);
  const bool complex = x.rank() == 3 && is_complex_signal(x);
  if (x.rank() != 2 && x.rank() != 3) bad_input(fmt::format("the signal is {}, not batch x length x (1 or 2)", dims_text(x.dims())));
  const int64_t batch = x.dims()[0], length = x.dims()[1], parts = complex ? 2 : 1;
  const int64_t step = checked_length(scalar_of<int64_t>(io.in(1)), "frame_step");
  if (io.has(2) && io.in(2).rank() != 1) bad_input(fmt::format("the window is {}, not one dim", dims_text(io.in(2).dims())));
  const int64_t frame = checked_length(io.has(3) ? scalar_of<int64_t>(io.in(3)) : io.has(2) ? io.in(2).size() : length, "the frame length");
  if (io.has(2) && io.in(2).size() != frame) bad_input(fmt::format("a window of {} for frames of {}", io.in(2).size(), frame));
  if (frame > length) bad_input(fmt::format("frames of {} for a signal of {}", frame, length));
  const std::vector<double> window = io.has(2) ? widen<double>(io.in(2)) : std::vector<double>(at(frame), 1.0), in = widen<double>(x);
  const int64_t frames = (length - frame) / step + 1, bins = onesided ? frame / 2 + 1 : frame;
  const Dims out_dims{batch, frames, bins, 2};
  std::vector<double> out(at(element_count(out_dims)));
  const Fft fft(at(frame));
  const double cost = 10.0 * static_cast<double>(frame) * (1 + std::log2(static_cast<double>(frame)));
  parallel_for(batch * frames, cost, [&](int64_t from, int64_t to) {
    std::vector<Complex> line(at(frame));
    for (int64_t i = from; i < to; ++i) {
      const double* v = in.data() + (i / frames * length + i % frames * step) * parts;
      for (int64_t k = 0; k < frame; ++k) line[at(k)] = window[at(k)] * Complex(v[k * parts], complex ? v[k * parts + 1] : 0.0);
      fft.run(line, false);
      for (int64_t k = 0; k < bins; ++k) {
        out[at((i * bins + k) * 2)] = line[at(k)].real();
        out[at((i * bins + k) * 2 + 1)] = line[at(k)].imag();
      }
    }
  });
  io.set(0, narrow(x.dtype(), out_dims, out));
}
Maybe<RunFn> prepare_stft(const OpCall& call, ExecEnv&) {
  return RunFn([onesided = flag(call, "onesided")](KernelIo& io) { run_stft(io, onesided); });
}

// ---- windows: a0 - a1 cos(2 pi k / N) + a2 cos(4 pi k / N), N = size or, symmetric, size - 1
DType output_type(const OpCall& call) {
  const auto t = attr<int64_t>(call, "output_datatype");
  if (!is_known_dtype(t) || !(is_float(static_cast<DType>(t)) || is_integer(static_cast<DType>(t))))
    bad_input(fmt::format("attribute 'output_datatype': {} is no numeric type", t));
  return static_cast<DType>(t);
}
Maybe<RunFn> prepare_window(const OpCall& call, double a0, double a1, double a2) {
  return RunFn([a0, a1, a2, type = output_type(call), periodic = flag(call, "periodic")](KernelIo& io) {
    const auto size = scalar_of<int64_t>(io.in(0));
    if (size != 0) checked_length(size, "the size of the window");
    std::vector<double> w(at(size));
    const auto n = static_cast<double>(periodic ? size : size - 1);
    for (std::size_t k = 0; k < w.size(); ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(k) / n;
      w[k] = a0 - a1 * std::cos(angle) + a2 * std::cos(2 * angle);
      if (!is_float(type)) w[k] = static_cast<double>(static_cast<float>(w[k]));  // a peak of 1 stays 1 when cut to integers
    }
    io.set(0, narrow(type, {size}, w));
  });
}
Maybe<RunFn> prepare_hann(const OpCall& call, ExecEnv&) { return prepare_window(call, 0.5, 0.5, 0); }
Maybe<RunFn> prepare_hamming(const OpCall& call, ExecEnv&) { return prepare_window(call, 25.0 / 46.0, 21.0 / 46.0, 0); }
Maybe<RunFn> prepare_blackman(const OpCall& call, ExecEnv&) { return prepare_window(call, 0.42, 0.5, 0.08); }

// ---- MelWeightMatrix: triangles over the bins of a one-sided DFT, their corners evenly spaced on the mel scale
void run_mel(KernelIo& io, DType type) {
  const int64_t bands = checked_length(scalar_of<int64_t>(io.in(0)), "num_mel_bins"), length = scalar_of<int64_t>(io.in(1)),
                rate = checked_length(scalar_of<int64_t>(io.in(2)), "sample_rate");
  const int64_t bins = checked_length(length, "dft_length") / 2 + 1;
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const double low = mel(scalar_of<double>(io.in(3))), high = mel(scalar_of<double>(io.in(4)));
  const double step = (high - low) / static_cast<double>(bands + 2);
  const Dims dims{bins, bands};
  std::vector<double> w(at(element_count(dims)));
  const auto corner = [&](int64_t i) {
    const double hertz = 700 * (std::pow(10, (low + static_cast<double>(i) * step) / 2595) - 1);
    const double bin = std::floor(static_cast<double>(length + 1) * hertz / static_cast<double>(rate));
    if (!(bin >= 0 && bin < static_cast<double>(bins))) bad_input(fmt::format("the edge at {} Hz lies outside of the {} bins", hertz, bins));
    return static_cast<int64_t>(bin);
  };
  for (int64_t i = 0; i < bands; ++i) {
    const int64_t left = corner(i), center = corner(i + 1), right = corner(i + 2);
    if (left == center) w[at(center * bands + i)] = 1;
    for (int64_t j = left; j <= center && left < center; ++j)
      w[at(j * bands + i)] = static_cast<double>(j - left) / static_cast<double>(center - left);
    for (int64_t j = center; j < right; ++j) w[at(j * bands + i)] = static_cast<double>(right - j) / static_cast<double>(right - center);
  }
  io.set(0, narrow(type, dims, w));
}
Maybe<RunFn> prepare_mel(const OpCall& call, ExecEnv&) {
  return RunFn([type = output_type(call)](KernelIo& io) { run_mel(io, type); });
}

constexpr Kernel kKernels[] = {
    {"", "DFT", 17, 19, prepare_dft_17},
    {"", "DFT", 20, kAnyVersion, prepare_dft_20},
    {"", "STFT", 17, kAnyVersion, prepare_stft},
    {"", "HannWindow", 17, kAnyVersion, prepare_hann},
    {"", "HammingWindow", 17, kAnyVersion, prepare_hamming},
    {"", "BlackmanWindow", 17, kAnyVersion, prepare_blackman},
    {"", "MelWeightMatrix", 17, kAnyVersion, prepare_mel},
};

}  // namespace

std::span<const Kernel> signal_kernels() { return kKernels; }

}  // namespace onnxopt::ref
