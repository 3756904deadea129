// Matrix products. Float32 accumulates in float within blocks of 256 along K and adds the blocks up, so that the error bound is (256 + K / 256) ulps
// of the sum of magnitudes instead of K; products of at most 65,536 multiplications are summed in double. Other carriers use plain loops.
#pragma once

#include <cstdint>

namespace onnxopt::ref {

// Element (i, j) of a matrix stands at data[i * row + j * column].
template <class T>
struct Matrix {
  const T* data;
  std::int64_t row, column;
};

// The right operand of a product, delivered in packed panels: convolutions unroll their input here.
class PanelSource {
 public:
  virtual ~PanelSource() = default;
  // Rows k0..k0+kc of columns j0..j0+n into panel[k * width + j]; columns n..width are set to zero.
  virtual void pack(std::int64_t k0, std::int64_t kc, std::int64_t j0, std::int64_t n, float* panel, std::int64_t width) const = 0;
};

// C[m, n] (row stride ldc) = A[m, k] * B[k, n], or += with `accumulate`. Uses two threads where it pays and `threaded` allows.
struct GemmOptions {
  bool accumulate = false, threaded = true;
};
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<float> a, Matrix<float> b, float* c, std::int64_t ldc, GemmOptions options = {});
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<float> a, const PanelSource& b, float* c, std::int64_t ldc,
          GemmOptions options = {});

// Plain loops for double and for integers modulo 2^64 (T = uint64_t). Always overwrites C.
template <class T>
void gemm_plain(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<T> a, Matrix<T> b, T* c, std::int64_t ldc);

}  // namespace onnxopt::ref
