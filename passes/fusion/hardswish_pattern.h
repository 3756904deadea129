// x * Clip (x + 3, 0, 6) / 6 where the product or the division of x comes first: what fuse-hardswish and fuse-hardswish-old look for.
#pragma once

#include <string>
#include <vector>

#include "passes/fusion/conditions.h"

namespace onnxopt {

const std::string& hardswish_pattern();  // names: x, y
std::vector<Where> hardswish_conditions();

}  // namespace onnxopt
