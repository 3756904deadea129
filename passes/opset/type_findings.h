// The type rules of ONNX, as runtimes check them when they load a model and onnx.checker does only if asked for it in full.
#pragma once

#include <vector>

#include "ir/core/check.h"

namespace onnxopt {

// Of the main graph and its subgraphs, at the model's own opset, after infer(model): inputs and outputs of types that the operator does not take or
// that do not agree, and types that the file declares though others come out. What nothing is known of is not judged; function bodies are
// polymorphic.
std::vector<Finding> check_types(Model& model);

}  // namespace onnxopt
