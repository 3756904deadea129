// Outputs of If that nobody reads, scan outputs of Loop that nobody reads, and state of Loop that it only passes through or that nothing needs: the
// node is written anew without them, and so are its inner graphs. What computed them is dead then.
#include <algorithm>

#include "passes/cleanup/whole_graph.h"

namespace onnxopt {
namespace {

class RemoveUnusedBranchOutputs : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override { return visit(graph, ctx); }

 private:
  static bool visit(Graph& g, PassContext& ctx) {
    bool changed = false;
    for (Node& n : g.nodes()) {
      if (!n.op().has(kControlFlow)) continue;
      for (Graph* sub : n.subgraphs()) changed |= visit(*sub, ctx);
      if (n.kept || n.has_ref_attrs() || ctx.is_kept(n)) continue;
      if (n.is("If")) changed |= trim_if(g, n, ctx);
      if (n.is("Loop")) changed |= trim_loop(g, n, ctx);
    }
    return changed;
  }

  static bool is_unused(const Node& n, std::size_t i) { return !n.output(i) || n.output(i)->unused(); }

  // `n` again, with these inputs and only these outputs; the inner graphs move over. Outputs that are dropped have no readers.
  static void rebuild(Graph& g, Node& n, std::vector<Value*> in, const std::vector<std::size_t>& kept) {
    std::vector<std::pair<std::string, std::shared_ptr<Graph>>> graphs;
    Attrs attrs;
    for (const Attribute& a : n.attrs()) {
      if (const auto* sub = std::get_if<std::shared_ptr<Graph>>(&a.value)) graphs.emplace_back(a.name, *sub);
      else attrs.add(a);
    }
    for (const auto& [name, sub] : graphs) n.mutable_attrs().remove(name);
    Node& fresh = g.insert_before(n, n.op(), std::move(in), std::move(attrs), kept.size());
    for (auto& [name, sub] : graphs) g.adopt_subgraph(fresh, name, std::move(sub));
    fresh.name = n.name;
    if (n.extra()) fresh.make_extra() = *n.extra();
    for (std::size_t i = 0; i < kept.size(); ++i) {
      Value *old = n.output(kept[i]), *value = fresh.output(i);
      if (!old) continue;
      value->type = old->type;
      if (!old->is_graph_output()) {  // public names move over by themselves
        value->set_name(std::string(old->name()), old->name_from_file());
        old->set_name("");
      }
      g.replace_all_uses(*old, *value);
    }
    g.erase(n);
  }

  static bool trim_if(Graph& g, Node& n, PassContext& ctx) {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < n.outputs().size(); ++i)
      if (!is_unused(n, i)) kept.push_back(i);
    if (kept.empty() || kept.size() == n.outputs().size() || !book(ctx, kName, n, 0)) return false;
    for (Graph* branch : n.subgraphs())
      for (std::size_t i = n.outputs().size(); i-- > 0;)
        if (is_unused(n, i)) branch->remove_output(i);
    rebuild(g, n, {n.inputs().begin(), n.inputs().end()}, kept);
    return true;
  }

  static bool trim_loop(Graph& g, Node& n, PassContext& ctx) {
    Graph& body = *n.subgraphs().at(0);
    const std::size_t states = body.inputs().size() < 2 ? 0 : body.inputs().size() - 2;
    if (n.inputs().size() != states + 2 || body.outputs().size() < states + 1) return false;
    std::vector<std::size_t> kept;
    std::vector<Value*> in{n.input(0), n.input(1)};
    std::vector<bool> dropped(body.outputs().size() - 1, false);
    bool any = false;
    for (std::size_t i = 0; i < dropped.size(); ++i) {
      const bool state = i < states;
      const bool passes_through = state && body.outputs()[i + 1] == body.inputs()[i + 2] && n.input(i + 2) && replaceable_result(n, i);
      dropped[i] = passes_through || (is_unused(n, i) && (!state || body.inputs()[i + 2]->uses().empty()));
      if (state && dropped[i] && !passes_through && body.inputs()[i + 2]->is_graph_output()) dropped[i] = false;  // another output of the body
      any = any || dropped[i];
    }
    // A loop needs an output to be worth anything; one without is dead anyway.
    if (!any || std::find(dropped.begin(), dropped.end(), false) == dropped.end() || !book(ctx, kName, n, 0)) return false;
    for (std::size_t i = 0; i < dropped.size(); ++i) {
      if (i < states && !dropped[i]) in.push_back(n.input(i + 2));
      if (!dropped[i] && i < n.outputs().size()) kept.push_back(i);
    }
    for (std::size_t i = dropped.size(); i-- > 0;) {
      if (!dropped[i]) continue;
      body.remove_output(i + 1);
      if (i >= states) continue;
      Value& inner = *body.inputs()[i + 2];
      body.replace_all_uses(inner, *n.input(i + 2));
      if (n.output(i)) g.replace_all_uses(*n.output(i), *n.input(i + 2));
      body.remove_input(i + 2);
    }
    rebuild(g, n, std::move(in), kept);
    return true;
  }

  static bool replaceable_result(const Node& n, std::size_t i) {
    return i >= n.outputs().size() || is_unused(n, i) || replaceable(*n.output(i), *n.input(i + 2));
  }

  static constexpr std::string_view kName = "remove-unused-branch-outputs";
};

}  // namespace

std::unique_ptr<Pass> remove_unused_branch_outputs() { return std::make_unique<RemoveUnusedBranchOutputs>(); }

}  // namespace onnxopt
