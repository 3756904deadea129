// Does a rewrite keep NaN, the infinities and the sign of zero?
#pragma once

#include <string>

#include "ir/core/model.h"

namespace onnxopt::cases {

// "" if both models give the same bits (any NaN is as good as another) on inputs in which such values stand among others, or if the reference runs on
// none of them; else the first difference.
std::string special_value_difference(Model& reference, Model& candidate);

}  // namespace onnxopt::cases
