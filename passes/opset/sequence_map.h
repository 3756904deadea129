// SequenceMap over a list of known length, before opset 13.
#pragma once

#include <string>

#include "passes/opset/apply.h"
#include "passes/opset/opset.h"

namespace onnxopt {

// Replaces the node by its body, once for each element, if it is known how many there are; the names of the operators that gather the results. "": it
// is left. To be done before what makes and takes sequences is converted.
std::string unroll_sequence_map(Node& n, const OutputOpsets& target, ConstantPool& pool);

}  // namespace onnxopt
