// Products of few rows or few columns: a batch of one through a fully connected layer. Packing panels, as gemm does for the rest, would cost more
// than the product itself, which is bound by reading the large operand once.
#pragma once

#include "verify/kernels_ref/gemm.h"

namespace onnxopt::ref {

inline constexpr std::int64_t kThin = 4;  // rows or columns

// True: done. False: not thin, or the large operand is contiguous in neither direction.
bool gemm_thin(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<float> a, Matrix<float> b, float* c, std::int64_t ldc, GemmOptions options);

}  // namespace onnxopt::ref
