// Delta debugging of models: the smallest region of the main graph on which a check still fails.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

// The nodes at these positions of the main graph, alone: what others computed for them becomes an input, what others read of them an output. False:
// not possible, as the type of a new input is not known. `m` is changed.
bool keep_nodes(Model& m, const std::vector<std::size_t>& keep);
// Keeps these outputs, and the nodes that they need.
void keep_outputs(Model& m, const std::vector<std::size_t>& keep);
// Constants at these positions (of graph().constants()) become inputs.
void constants_to_inputs(Model& m, const std::vector<std::size_t>& at);

// ddmin (Zeller and Hildebrandt): a small subset of 0..n-1 for which `fails` is still true; it is for the whole set. `fails` may say false to stop
// early.
std::vector<std::size_t> smallest_failing(std::size_t n, const std::function<bool(const std::vector<std::size_t>&)>& fails);

}  // namespace onnxopt
