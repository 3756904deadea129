// Joining and slicing tensors along an axis, for kernels that work with sequences of tensors.
#pragma once

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {

// Equal shapes joined along a new axis.
Tensor stack(const std::vector<Tensor>& parts, std::int64_t axis);
// Shapes equal but for `axis`.
Tensor concat(const std::vector<Tensor>& parts, std::int64_t axis);
// Elements [start, start + count) along `axis`; the axis stays.
Tensor take(const Tensor& x, std::int64_t axis, std::int64_t start, std::int64_t count);
// Element i along `axis`, which is dropped.
Tensor select(const Tensor& x, std::int64_t axis, std::int64_t i);

}  // namespace onnxopt::ref
