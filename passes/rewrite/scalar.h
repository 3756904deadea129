// Scalars in constants: what patterns compare and rules compute with.
#pragma once

#include <optional>

#include "ir/core/tensor.h"

namespace onnxopt {

// The one element of a numeric tensor (float16, bfloat16, float, double, integers up to 64 bit, bool); nullopt: other types or more elements.
std::optional<double> element_value(const Tensor& t);
// True if `value` is `literal` as it would be stored in type `t` (approximate: within relative 1e-3 besides).
bool is_literal(double value, double literal, DType t, bool approximate);

}  // namespace onnxopt
