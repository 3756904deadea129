// What the normalization rules share: the texts of "subtract the mean, divide by the deviation" as exporters write them, and their conditions.
#pragma once

#include <string>

#include "passes/fusion/conditions.h"

namespace onnxopt {

// Names: x, mean, d (x - mean), v (variance), eps, y (normalized). Roots: Div or Mul.
const std::string& mean_variance_pattern();
// Names: x, v (mean square), eps, y (x / root mean square).
const std::string& mean_square_pattern();

// `reduce` (a ReduceMean) keeps dims and reduces the last axes, the same ones as `other` where that is given. The number of axes; 0: no.
std::int64_t trailing_axes(const Node& reduce, const Node* other, const PassContext& ctx);
// Ones of the dtype of `x`, in the shape of its last `axes` dims. Empty: a dim is no number.
Tensor trailing_ones(const Value& x, std::int64_t axes);
Where eps_is_scalar();

}  // namespace onnxopt
