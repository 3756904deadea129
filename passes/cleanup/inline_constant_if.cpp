// y = If (constant) {..} {..}  ==>  the nodes of the branch that is taken, in place
#include "ir/ops/infer.h"
#include "passes/cleanup/facts.h"
#include "passes/cleanup/whole_graph.h"

namespace onnxopt {
namespace {

class InlineConstantIf : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override {
    const bool changed = visit(graph, ctx);
    if (changed) infer(graph, {.strict = false});  // what the branch gives is often known better than what either branch may give
    return changed;
  }

 private:
  static bool visit(Graph& g, PassContext& ctx) {
    bool changed = false;
    if (!g.has_subgraphs()) return changed;
    for (Node* n = g.first(); n;) {
      const auto taken = n->is("If") && !n->kept && !n->has_ref_attrs() && !ctx.is_kept(*n) ? splat_bool(n->input(0)) : std::nullopt;
      Node* before = n->prev();
      if (taken && book(ctx, "inline-constant-if", *n, 1)) {
        inline_branch(g, *n, *taken ? "then_branch" : "else_branch");
        n = before ? before->next() : g.first();  // the branch may hold an If itself
        changed = true;
        continue;
      }
      for (Graph* sub : n->subgraphs()) changed |= visit(*sub, ctx);
      n = n->next();
    }
    return changed;
  }

  static void inline_branch(Graph& g, Node& n, std::string_view name) {
    Graph& branch = **n.attrs().get<std::shared_ptr<Graph>>(name);
    const std::vector<Value*> results(branch.outputs().begin(), branch.outputs().end());
    while (!branch.outputs().empty()) branch.remove_output(branch.outputs().size() - 1);
    forget_file_names(branch);
    g.splice_before(n, branch);
    for (std::size_t i = 0; i < n.outputs().size(); ++i)
      if (n.output(i)) g.replace_all_uses(*n.output(i), *results[i]);
    g.erase(n);
  }
};

}  // namespace

std::unique_ptr<Pass> inline_constant_if() { return std::make_unique<InlineConstantIf>(); }

}  // namespace onnxopt
