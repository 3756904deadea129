// Reductions over axes, for kernels that contain one.
#pragma once

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {

enum class Reduce { sum, mean, prod, max, min, l1, l2, log_sum, log_sum_exp, sum_square };
// Reduces over `axes` (normalized, without repetitions); integers wrap, floats accumulate in double.
Tensor reduce(Reduce kind, const Tensor& x, const Ints& axes, bool keepdims);

}  // namespace onnxopt::ref
