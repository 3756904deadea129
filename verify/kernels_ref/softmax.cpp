// Softmax, LogSoftmax, Hardmax along one axis (from 13; before, the input was flattened to two dims at the axis).
#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/lines.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;

// The 16-bit types are rounded where the operator's function body rounds: difference, exponential, sum. Other types are not rounded on the way.
double rounded(DType t, double v) {
  if (t == DType::float16) return half_to_float(float_to_half(round_to_odd(v)));
  if (t == DType::bfloat16) return bfloat16_to_float(float_to_bfloat16(round_to_odd(v)));
  return v;
}
void softmax(DType t, double* v, int64_t n) {
  const double top = *std::max_element(v, v + n);
  double sum = 0;
  if (t == DType::float16 || t == DType::bfloat16)
    for (int64_t i = 0; i < n; ++i) sum += v[i] = rounded(t, std::exp(rounded(t, v[i] - top)));
  else
    for (int64_t i = 0; i < n; ++i) sum += v[i] = std::exp(v[i] - top);
  sum = rounded(t, sum);
  for (int64_t i = 0; i < n; ++i) v[i] /= sum;
}
void log_softmax(DType, double* v, int64_t n) {
  const double top = *std::max_element(v, v + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(v[i] - top);
  const double shift = top + std::log(sum);
  for (int64_t i = 0; i < n; ++i) v[i] -= shift;
}
void hardmax(DType, double* v, int64_t n) {
  const double* best = std::max_element(v, v + n);
  const int64_t at = best - v;
  for (int64_t i = 0; i < n; ++i) v[i] = i == at;
}

using LineFn = void (*)(DType, double*, int64_t);
template <LineFn kFn>
Maybe<RunFn> prepare_lines(const OpCall& call, ExecEnv&) {
  const bool flatten = call.op->since < 13;
  return RunFn([flatten, stated = attr_or<int64_t>(call, "axis", flatten ? 1 : -1)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const int64_t axis = normalize_axis(stated, x.rank());
    Lines lines(x.dims(), axis);
    if (flatten) lines.length *= lines.inner, lines.inner = 1;
    Buffer out(x.dtype(), x.dims());
    if (lines.length == 0) return io.set(0, std::move(out).tensor());
    parallel_for(lines.count(), 12.0 * static_cast<double>(lines.length), [&](int64_t from, int64_t to) {
      std::vector<double> v(static_cast<std::size_t>(lines.length));
      for (int64_t i = from; i < to; ++i) {
        const int64_t start = lines.start(i);
        if (lines.inner == 1) load_block<double>(x.dtype(), x.bytes().data(), start, lines.length, v.data());
        else
          for (int64_t k = 0; k < lines.length; ++k)
            load_block<double>(x.dtype(), x.bytes().data(), start + k * lines.inner, 1, &v[static_cast<std::size_t>(k)]);
        kFn(x.dtype(), v.data(), lines.length);
        if (lines.inner == 1) store_block<double>(x.dtype(), out.bytes(), start, lines.length, v.data());
        else
          for (int64_t k = 0; k < lines.length; ++k)
            store_block<double>(x.dtype(), out.bytes(), start + k * lines.inner, 1, &v[static_cast<std::size_t>(k)]);
      }
    });
    io.set(0, std::move(out).tensor());
  });
}

constexpr Kernel kKernels[] = {
    {"", "Softmax", 1, kAnyVersion, prepare_lines<softmax>},
    {"", "LogSoftmax", 1, kAnyVersion, prepare_lines<log_softmax>},
    {"", "Hardmax", 1, kAnyVersion, prepare_lines<hardmax>},
};

}  // namespace

std::span<const Kernel> softmax_kernels() { return kKernels; }

}  // namespace onnxopt::ref
