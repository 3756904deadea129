// The IR version that a model needs, and what changes when it goes to another one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

// The lowest IR version that has everything the model holds (types, functions, metadata, training info, ...) and that a release with `opset` of
// ai.onnx wrote.
std::int64_t lowest_ir_version(Model& model, int opset);

// Sets the IR version. Below 4 every initializer is an input, and no initializer is an output: what the file had otherwise is written so. From 4 on
// an input with an initializer can be fed something else; weights that stood among the inputs only because IR 3 demanded it leave that list, and
// their names are returned.
std::vector<std::string> set_ir_version(Model& model, std::int64_t version);

}  // namespace onnxopt
