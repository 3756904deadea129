// Sum and Mean of any number of operands, Where, Clip.
#include "verify/kernels_ref/broadcast.h"
#include "verify/kernels_ref/codes.h"
#include "verify/kernels_ref/families.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;

// All operands are added in double and rounded once. The first one is where the sum starts: 0 + -0.0 would lose its sign.
std::vector<double> sum_of(KernelIo& io, Dims& out) {
  for (std::size_t i = 0; i < io.num_inputs(); ++i) out = broadcast(out, io.in(i).dims());
  std::vector<double> sum(static_cast<std::size_t>(element_count(out)));
  for (std::size_t k = 0; k < io.num_inputs(); ++k) {
    const std::vector<double> x = widen<double>(io.in(k));
    const Dims* shapes[] = {&out, &io.in(k).dims()};
    const BroadcastLoop loop(shapes);
    const int64_t step = loop.strides.back()[1];
    loop.for_rows(0, loop.rows(), [&](int64_t at, const auto& o) {
      for (int64_t i = 0; i < loop.row(); ++i) {
        double& s = sum[static_cast<std::size_t>(at + i)];
        const double e = x[static_cast<std::size_t>(o[1] + i * step)];
        s = k == 0 ? e : s + e;
      }
    });
  }
  return sum;
}
void run_sum(KernelIo& io) {
  if (io.num_inputs() == 1) return io.set(0, io.in(0));
  Dims out;
  const std::vector<double> sum = sum_of(io, out);
  io.set(0, narrow(io.in(0).dtype(), out, sum));
}
void run_mean(KernelIo& io) {
  Dims out;
  std::vector<double> sum = sum_of(io, out);
  for (double& s : sum) s /= static_cast<double>(io.num_inputs());
  io.set(0, narrow(io.in(0).dtype(), out, sum));
}

void run_where(KernelIo& io) {
  const Tensor &condition = io.in(0), &x = io.in(1), &y = io.in(2);
  if (x.dtype() != y.dtype()) bad_input(fmt::format("X is {}, Y is {}", dtype_name(x.dtype()), dtype_name(y.dtype())));
  const Dims* shapes[] = {&condition.dims(), &x.dims(), &y.dims()};
  const BroadcastLoop loop(shapes);
  Codes codes(x.dtype());
  const std::byte* px = codes.add(x);
  const std::byte* py = codes.add(y);
  const auto* c = reinterpret_cast<const unsigned char*>(condition.bytes().data());
  const std::size_t size = codes.size();
  std::byte* out = codes.make(loop.out);
  const auto s = loop.strides.back();
  loop.for_rows(0, loop.rows(), [&](int64_t at, const auto& o) {
    with_size(size, [&](auto width) {
      constexpr std::size_t kSize = decltype(width)::value;
      for (int64_t i = 0; i < loop.row(); ++i) {
        const std::byte* from =
            c[o[0] + i * s[0]] ? px + static_cast<std::size_t>(o[1] + i * s[1]) * kSize : py + static_cast<std::size_t>(o[2] + i * s[2]) * kSize;
        std::memcpy(out + static_cast<std::size_t>(at + i) * kSize, from, kSize);
      }
    });
  });
  io.set(0, codes.finish());
}

// Min(max, Max(input, min)); NaN stays.
template <class C>
Tensor clip(const Tensor& x, const Tensor* low, const Tensor* high) {
  Buffer out(x.dtype(), x.dims());
  const C lo = low ? scalar_of<C>(*low) : C{}, hi = high ? scalar_of<C>(*high) : C{};
  const bool has_lo = low != nullptr, has_hi = high != nullptr;
  auto body = [&](int64_t from, int64_t to) {
    constexpr int64_t kStrip = 1024;
    C v[kStrip];
    for (int64_t at = from; at < to; at += kStrip) {
      const int64_t n = std::min(kStrip, to - at);
      load_block<C>(x.dtype(), x.bytes().data(), at, n, v);
      if (has_lo)
        for (int64_t i = 0; i < n; ++i) v[i] = v[i] < lo ? lo : v[i];
      if (has_hi)
        for (int64_t i = 0; i < n; ++i) v[i] = v[i] > hi ? hi : v[i];
      store_block<C>(x.dtype(), out.bytes(), at, n, v);
    }
  };
  parallel_for(x.size(), 1.0, body);
  return std::move(out).tensor();
}
void run_clip(KernelIo& io) {
  const Tensor& x = io.in(0);
  const Tensor* low = io.has(1) ? &io.in(1) : nullptr;
  const Tensor* high = io.has(2) ? &io.in(2) : nullptr;
  if (x.dtype() == DType::float32) io.set(0, clip<float>(x, low, high));
  else if (is_float(x.dtype())) io.set(0, clip<double>(x, low, high));
  else if (is_signed_integer(x.dtype())) io.set(0, clip<int64_t>(x, low, high));
  else io.set(0, clip<std::uint64_t>(x, low, high));
}

constexpr Kernel kKernels[] = {
    {"", "Sum", 1, kAnyVersion, simple<run_sum>},
    {"", "Mean", 1, kAnyVersion, simple<run_mean>},
    {"", "Where", 9, kAnyVersion, simple<run_where>},
    {"", "Clip", 11, kAnyVersion, simple<run_clip>},
};

}  // namespace

std::span<const Kernel> variadic_kernels() { return kKernels; }

}  // namespace onnxopt::ref
