// Constant nodes become initializers: every reader of the file sees a weight as a weight. Not in function bodies, which have no initializers.
#include "passes/cleanup/whole_graph.h"

namespace onnxopt {
namespace {

class LiftConstants : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override { return graph.function() ? false : visit(graph, ctx); }

 private:
  static bool says_nothing(const ValueExtra& e) {
    return !e.has_declared && e.dim_denotations.empty() && e.type_denotation.empty() && e.doc_string.empty() && e.unknown.empty() &&
           e.metadata.empty() && e.quantization.empty() && !e.sparse && e.opaque_type.empty();
  }

  static bool visit(Graph& g, PassContext& ctx) {
    bool changed = false;
    for (Value* v : g.constants()) {
      if (!v->extra() || !v->extra()->constant_node) continue;
      if (!ctx.take_fuel()) return changed;
      ValueExtra& extra = v->make_extra();
      if (extra.doc_string.empty()) extra.doc_string = extra.constant_node->doc_string;
      extra.metadata.insert(extra.metadata.end(), extra.constant_node->metadata.begin(), extra.constant_node->metadata.end());
      extra.constant_node.reset();
      if (g.model().ir_version < 4) v->set_name(v->name());  // not the file's initializer: the writer lists it as an input, as that version demands
      if (says_nothing(extra)) v->clear_extra();             // a big model has as many as nodes
      changed = true;
    }
    if (!g.has_subgraphs()) return changed;
    for (Node& n : g.nodes())
      if (n.op().has(kControlFlow))
        for (Graph* sub : n.subgraphs()) changed |= visit(*sub, ctx);
    return changed;
  }
};

}  // namespace

std::unique_ptr<Pass> lift_constants() { return std::make_unique<LiftConstants>(); }

}  // namespace onnxopt
