// Cutting a pair of models at nodes that cannot run here (custom operators) or that are random: the node's inputs become outputs to compare, its
// outputs become seeded inputs of both models.
#pragma once

#include <string>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

struct CutResult {
  std::vector<std::string> ops;  // "domain.Op (node)": where it was cut
  std::string failure;           // not empty: cutting is not possible, and why
};
// `nodes`: of the reference's main graph. Values are matched by name.
CutResult cut_at(Model& reference, Model& candidate, const std::vector<Node*>& nodes);
// The node of the main graph that holds `n` (itself if it stands there).
Node* top_level(Node& n);

}  // namespace onnxopt
