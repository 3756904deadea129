// The discrete Fourier transform of any length in O(n log n), in double.
#pragma once

#include <complex>
#include <cstddef>
#include <vector>

namespace onnxopt::ref {

// Tables for one length, made once for many transforms. Short lengths are summed directly, powers of two are halved, all others are a convolution
// with a chirp (Bluestein), which needs a power of two only.
class Fft {
 public:
  explicit Fft(std::size_t n);
  std::size_t size() const { return n_; }
  // y[k] = sum over j of x[j] exp(-2 pi i j k / n), in place; `inverse`: exp(+...) / n.
  void run(std::vector<std::complex<double>>& x, bool inverse) const;

 private:
  void forward(std::vector<std::complex<double>>& x) const;
  std::size_t n_;
  std::vector<std::complex<double>> roots_;  // exp(-2 pi i k / n)
  std::vector<std::complex<double>> chirp_;  // exp(-pi i k^2 / n), Bluestein only
  std::vector<std::complex<double>> filter_;
  std::vector<Fft> inner_;  // of the padded length: one entry, or none
};

}  // namespace onnxopt::ref
