// Shape of a matrix product, shared by the operators that contain one.
#pragma once

#include <optional>

#include "ir/ops/infer.h"

namespace onnxopt::infer_fn {

std::optional<Shape> matmul_shape(InferCtx& ctx, std::size_t a, std::size_t b);  // of inputs a and b; nullopt: a rank is not known
Shape matmul_shape(InferCtx& ctx, Shape x, Shape y);                             // as numpy.matmul: leading dims broadcast, vectors allowed

}  // namespace onnxopt::infer_fn
