// Cutting a pair of models at nodes that cannot run here (custom operators) or that are random: the node's inputs become outputs to compare, its
// outputs become seeded inputs of both models.
#pragma once

#include <string>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

// Nodes of the main graph that cannot be run or repeated: they have no kernel or are random, or hold such a node in a subgraph or in a function that
// they call.
std::vector<Node*> nodes_to_cut(Model& m);

struct CutResult {
  std::vector<std::string> ops;       // "domain.Op (node)": where it was cut
  std::vector<std::string> unproven;  // what no comparison sees: a changed body inside a node that was cut out
  std::string failure;                // not empty: cutting is not possible, and why
  bool differs = false;               // the failure shows that the models differ
};
// `nodes`: of the reference's main graph. Values are matched by name.
CutResult cut_at(Model& reference, Model& candidate, const std::vector<Node*>& nodes);

}  // namespace onnxopt
