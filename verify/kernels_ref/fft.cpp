#include "verify/kernels_ref/fft.h"

#include <bit>
#include <cmath>
#include <numbers>
#include <utility>

namespace onnxopt::ref {
namespace {

using Complex = std::complex<double>;
constexpr std::size_t kDirect = 32;  // below, the sum itself is as fast and more exact

// exp(-2 pi i k / n) with the angle reduced in integers, so that the error does not grow with k.
Complex root(std::size_t k, std::size_t n) {
  const double angle = 2 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
  return {std::cos(angle), -std::sin(angle)};
}

void transform_power_of_two(std::vector<Complex>& x, const std::vector<Complex>& roots) {
  const std::size_t n = x.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (std::size_t half = 1; half < n; half *= 2)
    for (std::size_t block = 0; block < n; block += 2 * half)
      for (std::size_t k = 0; k < half; ++k) {
        const Complex odd = x[block + half + k] * roots[k * (n / (2 * half))], even = x[block + k];
        x[block + k] = even + odd;
        x[block + half + k] = even - odd;
      }
}

}  // namespace

Fft::Fft(std::size_t n) : n_(n), roots_(n) {
  for (std::size_t k = 0; k < n; ++k) roots_[k] = root(k, n);
  if (n <= kDirect || std::has_single_bit(n)) return;
  chirp_.resize(n);
  for (std::size_t k = 0, square = 0; k < n; ++k) {  // square = k^2 mod 2n
    chirp_[k] = root(square, 2 * n);
    square = (square + 2 * k + 1) % (2 * n);
  }
  inner_.emplace_back(std::bit_ceil(2 * n - 1));
  filter_.resize(inner_[0].size());
  for (std::size_t k = 0; k < n; ++k) filter_[k] = filter_[k == 0 ? 0 : filter_.size() - k] = std::conj(chirp_[k]);
  inner_[0].forward(filter_);
}

void Fft::forward(std::vector<Complex>& x) const {
  if (std::has_single_bit(n_)) return transform_power_of_two(x, roots_);
  if (n_ <= kDirect) {
    std::vector<Complex> y(n_);
    for (std::size_t k = 0; k < n_; ++k)
      for (std::size_t j = 0; j < n_; ++j) y[k] += x[j] * roots_[j * k % n_];
    return x.swap(y);
  }
  std::vector<Complex> padded(filter_.size());
  for (std::size_t k = 0; k < n_; ++k) padded[k] = x[k] * chirp_[k];
  inner_[0].run(padded, false);
  for (std::size_t k = 0; k < padded.size(); ++k) padded[k] *= filter_[k];
  inner_[0].run(padded, true);
  for (std::size_t k = 0; k < n_; ++k) x[k] = padded[k] * chirp_[k];
}

void Fft::run(std::vector<Complex>& x, bool inverse) const {
  if (!inverse) return forward(x);
  for (Complex& v : x) v = std::conj(v);
  forward(x);
  for (Complex& v : x) v = std::conj(v) / static_cast<double>(n_);
}

}  // namespace onnxopt::ref
