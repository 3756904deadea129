// The IR verifier: structural rules that hold for every graph in memory (SSA, def-use both ways, order, scopes, subgraph parents, arity against the
// schema). Returns findings, empty if all is well; `where` is "graph/node", `what` one line. `broken` findings are bugs of ours, whatever the model
// is; the others say that the model itself breaks its operators' schemas (as files do that other tools wrote).
#pragma once

#include <string>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

struct Finding {
  std::string where, what;
  bool broken = true;
};
std::vector<Finding> check(Model& model);
std::vector<Finding> check(Graph& graph);  // subgraphs included

}  // namespace onnxopt
