// Constant nodes as constants. The record in the value lets the writer emit the node again.
#pragma once

#include "ir/core/model.h"

namespace onnxopt {

// Every dense Constant of `root` and the graphs inside it, except those whose attribute is the caller's and those that an IR below 4 lists as
// outputs.
void constant_nodes_to_constants(Graph& root);
// Constants that still carry a record, spelled so that `opset` of ai.onnx has the attribute (value_float, ... came with 12).
void spell_constant_nodes(Graph& root, int opset);

}  // namespace onnxopt
