// A hash of what a graph computes and how: operators, attributes, connections, constants, names of inputs and outputs; not names inside. For the
// honesty check and for finding cycles; equal graphs built in another order may differ.
#pragma once

#include <cstdint>

#include "ir/core/model.h"

namespace onnxopt {

std::uint64_t graph_hash(const Graph& g);  // subgraphs included
std::uint64_t model_hash(Model& model);    // main graph and function bodies

}  // namespace onnxopt
