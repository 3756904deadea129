// Operators that runtimes implement for fewer element types than the specification allows.
#pragma once

#include <string>

#include "ir/core/graph.h"

namespace onnxopt {

// Why the new node `n` would keep a model from being loaded: its operator is implemented for other element types only. "": it is not so.
std::string missing_kernel(const Node& n);

}  // namespace onnxopt
