// Nodes that nobody reads, optional outputs that nobody reads, initializers without use (with their input entry, if they are listed as inputs), and
// local functions that nothing calls. Custom operators and nodes under --keep stay.
#include <unordered_set>

#include "passes/cleanup/whole_graph.h"

namespace onnxopt {
namespace {

constexpr std::string_view kName = "remove-dead";

class RemoveDead : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override {
    bool changed = sweep(graph, ctx);
    if (!graph.function()) changed |= sweep_functions(*ctx.model, ctx);
    return changed;
  }

 private:
  static bool is_dead(const Node& n, const PassContext& ctx) {
    if (n.outputs().empty() && n.op().has(kOpaque)) return false;  // a custom operator may be there for its effect
    for (const Value* v : n.outputs())
      if (v && !v->unused()) return false;
    return !ctx.is_kept(n) && (!n.op().has(kOpaque) || ctx.model->function_of(n));
  }

  // Backwards, so that what only a dead node reads is dead when it is reached.
  static bool sweep(Graph& g, PassContext& ctx) {
    bool changed = false;
    for (Node *n = g.last(), *before = nullptr; n; n = before) {
      before = n->prev();
      if (is_dead(*n, ctx)) {
        if (!book(ctx, kName, *n, 1)) return changed;
        g.erase(*n);
        changed = true;
        continue;
      }
      if (n->op().has(kControlFlow))
        for (Graph* sub : n->subgraphs()) changed |= sweep(*sub, ctx);
      changed |= trim_outputs(g, *n);
    }
    return sweep_constants(g, ctx) || changed;
  }

  static bool trim_outputs(Graph& g, Node& n) {
    if (n.op().has(kOpaque) || n.op().has(kControlFlow) || n.outputs().size() < 2) return false;
    // Where an output says what the operator does, it stays: of com.microsoft any may (MultiHeadAttention without its present_key attends to no
    // past_key); BatchNormalization knows training by their number in old versions.
    if (!n.op().domain.empty() || n.op().name == "BatchNormalization") return false;
    bool changed = false;
    for (std::size_t i = n.outputs().size(); i-- > 0;) {
      if (i >= n.op().outputs.size() || n.op().outputs[i].option != ParamOption::optional) continue;
      if (!n.output(i) || !n.output(i)->unused() || n.op().outputs[i].name.starts_with("present")) continue;  // runtimes ask for it beside a past
      g.set_output_omitted(n, i);
      changed = true;
    }
    return changed;
  }

  static bool sweep_constants(Graph& g, PassContext& ctx) {
    bool changed = false;
    const auto sweep_one = [&](Value* v) {
      if (!v->unused() || (v->is_graph_input() && (ctx.keep_overridable || g.parent() || g.function()))) return;
      if (v->is_graph_input()) ctx.dropped_inputs.push_back(v->name());
      g.erase_value(*v);
      changed = true;
    };
    for (Value* v : g.constants()) sweep_one(v);
    return changed;
  }

  static void mark_calls(const Graph& g, Model& model, std::unordered_set<const Function*>& called) {
    for (const Node& n : g.nodes()) {
      for (const Graph* sub : n.subgraphs()) mark_calls(*sub, model, called);
      const Function* f = n.op().has(kOpaque) ? model.function_of(n) : nullptr;
      if (f && called.insert(f).second) mark_calls(*f->body, model, called);
    }
  }

  static bool sweep_functions(Model& model, PassContext&) {
    if (model.functions.empty()) return false;
    std::unordered_set<const Function*> called;
    mark_calls(model.graph(), model, called);
    return std::erase_if(model.functions, [&](const auto& f) { return !called.contains(f.get()); }) > 0;
  }
};

}  // namespace

std::unique_ptr<Pass> remove_dead() { return std::make_unique<RemoveDead>(); }

}  // namespace onnxopt
