// In what precision an output was computed. A model in mixed precision computes in float16 and hands its results out as float: what rounding may
// change there is what float16 rounds.
#pragma once

#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

// Of each output of the main graph: the coarsest of float64, float32, float16 and bfloat16 to which it, or a value that it is computed from, was
// rounded by a node. Stored values and copies of them round nothing (float16 weights that are widened before use). undefined: no such value.
std::vector<DType> computed_types(const Model& m);

}  // namespace onnxopt
