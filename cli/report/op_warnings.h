// Operators that a model has and its opsets have not: onnx.checker refuses them, runtimes may have kernels for them all the same.
#pragma once

#include <string>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

// One line an operator and fault, in the order of the nodes: where it begins, that it is deprecated, that ONNX has it nowhere.
std::vector<std::string> op_warnings(Model& m);

}  // namespace onnxopt
