// MatMul and Gemm on tensors, for kernels that contain products.
#pragma once

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {

// numpy.matmul semantics (1-D operands, broadcast batch dims), any numeric type; both operands of one type, which the result has.
Tensor matmul(const Tensor& a, const Tensor& b);

}  // namespace onnxopt::ref
