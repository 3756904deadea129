#include "ir/io/constant_nodes.h"

namespace onnxopt {

bool is_constant_node(const Value& constant, std::int64_t ir_version) {
  if (!constant.constant() || constant.is_graph_input()) return false;
  const Graph& g = *constant.graph();
  if (g.function()) return true;
  if (constant.extra() && constant.extra()->constant_node) return true;
  return ir_version < 4 && g.parent() && !constant.name_from_file();
}

ConstantNodes::ConstantNodes(const Graph& root, std::int64_t ir_version) : ir_version_(ir_version) { visit(root); }

void ConstantNodes::place(const Value* v, const Node* reader) {
  if (!v || !is_constant_node(*v, ir_version_) || !placed_.insert(v).second) return;
  while (reader->graph() != v->graph()) reader = reader->graph()->parent();
  before_[reader].push_back(v);
}

void ConstantNodes::visit(const Graph& g) {
  for (const Node& n : g.nodes()) {
    for (const Value* v : n.inputs()) place(v, &n);
    for (const Graph* sub : n.subgraphs()) visit(*sub);
  }
  for (const Value* v : g.outputs())
    if (v->graph() != &g) place(v, g.parent());
  for (const Value* v : g.constants())
    if (is_constant_node(*v, ir_version_) && placed_.insert(v).second) last_[&g].push_back(v);
}

}  // namespace onnxopt
