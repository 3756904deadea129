// Values for integer inputs that are a shape, axes, sizes of parts or the like: numbers out of the blue make the operator that reads them fail, and
// then nothing of the model can be verified.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

// The elements that suit the operators which read `start`, by the shapes that the model declares; empty: any will do, or nothing is known.
std::vector<std::int64_t> operand_values(const Value& start);

}  // namespace onnxopt
