// Outputs of If that nobody reads, scan outputs of Loop and Scan that nobody reads, and their state that is only passed through or that serves
// nothing but itself: the node is written anew without them, and so are its inner graphs. What computed them is dead then.
#include <algorithm>
#include <unordered_set>

#include "passes/cleanup/whole_graph.h"

namespace onnxopt {
namespace {

class RemoveUnusedBranchOutputs : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override { return visit(graph, ctx); }

 private:
  static bool visit(Graph& g, PassContext& ctx) {
    bool changed = false;
    if (!g.has_subgraphs()) return changed;
    for (Node& n : g.nodes()) {
      if (!n.op().has(kControlFlow)) continue;
      for (Graph* sub : n.subgraphs()) changed |= visit(*sub, ctx);
      if (n.kept || n.has_ref_attrs() || ctx.is_kept(n)) continue;
      if (n.is("If")) changed |= trim_if(g, n, ctx);
      if (n.is("Loop")) changed |= trim(g, n, loop_layout(n), ctx);
      if (n.is("Scan")) changed |= trim(g, n, scan_layout(n), ctx);
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

  // Where states and scan outputs of a Loop or Scan stand.
  struct Layout {
    std::size_t states = 0;
    std::size_t inputs = 0, body_inputs = 0, body_outputs = 0;  // that stand in front of the states
    bool fits = false;
  };

  static Layout loop_layout(const Node& n) {
    const Graph& body = *n.subgraphs().at(0);
    const std::size_t states = body.inputs().size() < 2 ? 0 : body.inputs().size() - 2;
    return {states, 2, 2, 1, n.inputs().size() == states + 2 && body.outputs().size() >= states + 1};
  }

  static Layout scan_layout(const Node& n) {
    const Graph& body = *n.subgraphs().at(0);
    const auto scans = static_cast<std::size_t>(std::max<std::int64_t>(n.attr<std::int64_t>("num_scan_inputs"), 0));
    if (scans > n.inputs().size()) return {};
    const std::size_t states = n.inputs().size() - scans;
    return {states, 0, 0, 0, body.inputs().size() == n.inputs().size() && body.outputs().size() >= states};
  }

  // By output of the loop: something outside, or something inside that matters, depends on it.
  static std::vector<bool> needed_outputs(const Node& n, Graph& body, const Layout& at) {
    std::vector<bool> needed(body.outputs().size() - at.body_outputs, false);
    std::vector<const Value*> work(body.outputs().begin(), body.outputs().begin() + static_cast<std::ptrdiff_t>(at.body_outputs));
    std::unordered_set<const void*> seen;
    const auto need = [&](std::size_t i) {
      if (needed[i]) return;
      needed[i] = true;
      work.push_back(body.outputs()[i + at.body_outputs]);
    };
    for (std::size_t i = 0; i < needed.size(); ++i)
      if (!is_unused(n, i)) need(i);
    while (!work.empty()) {
      const Value* v = work.back();
      work.pop_back();
      if (v->graph() != &body || !seen.insert(v).second) continue;
      for (std::size_t i = 0; i < at.states; ++i)
        if (body.inputs()[i + at.body_inputs] == v) need(i);
      const Node* p = v->producer();
      if (p && seen.insert(p).second) push_read(*p, work);
    }
    return needed;
  }

  // What `n` reads, its inner graphs included.
  static void push_read(const Node& n, std::vector<const Value*>& work) {
    for (const Value* v : n.inputs())
      if (v) work.push_back(v);
    for (Graph* sub : n.subgraphs())
      for_each_graph(*sub, [&](Graph& inner) {
        work.insert(work.end(), inner.outputs().begin(), inner.outputs().end());
        for (const Node& m : inner.nodes())
          for (const Value* v : m.inputs())
            if (v) work.push_back(v);
      });
  }

  static bool trim(Graph& g, Node& n, const Layout& at, PassContext& ctx) {
    if (!at.fits) return false;
    Graph& body = *n.subgraphs().at(0);
    const std::vector<bool> needed = needed_outputs(n, body, at);
    std::vector<bool> dropped(needed.size(), false);
    for (std::size_t i = 0; i < dropped.size(); ++i) {
      const Value* initial = i < at.states ? n.input(i + at.inputs) : nullptr;
      const bool passes_through = initial && body.outputs()[i + at.body_outputs] == body.inputs()[i + at.body_inputs] && only_output(body, i, at) &&
                                  replaceable_result(n, i, *initial);
      dropped[i] = passes_through || (!needed[i] && (i >= at.states || initial));
    }
    // A loop needs an output to be worth anything; one without is dead anyway.
    if (std::find(dropped.begin(), dropped.end(), true) == dropped.end() || std::find(dropped.begin(), dropped.end(), false) == dropped.end() ||
        !book(ctx, kName, n, 0))
      return false;
    std::vector<Value*> in;
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < n.inputs().size(); ++i)
      if (i < at.inputs || i >= at.inputs + at.states || !dropped[i - at.inputs]) in.push_back(n.input(i));
    for (std::size_t i = 0; i < dropped.size() && i < n.outputs().size(); ++i)
      if (!dropped[i]) kept.push_back(i);
    if (n.is("Scan"))
      for (const char* list : {"scan_output_axes", "scan_output_directions"}) trim_list(n, list, dropped, at.states);
    for (std::size_t i = dropped.size(); i-- > 0;)
      if (dropped[i]) body.remove_output(i + at.body_outputs);
    for (std::size_t i = at.states; i-- > 0;) {
      if (!dropped[i]) continue;
      Value* initial = n.input(i + at.inputs);
      body.replace_all_uses(*body.inputs()[i + at.body_inputs], *initial);
      if (i < n.outputs().size() && n.output(i)) g.replace_all_uses(*n.output(i), *initial);
      body.remove_input(i + at.body_inputs);
    }
    rebuild(g, n, std::move(in), kept);
    return true;
  }

  static void trim_list(Node& n, const char* name, const std::vector<bool>& dropped, std::size_t states) {
    const Ints* list = n.attrs().get<Ints>(name);
    if (!list || list->size() != dropped.size() - states) return;
    Ints left;
    for (std::size_t i = 0; i < list->size(); ++i)
      if (!dropped[i + states]) left.push_back((*list)[i]);
    if (left.empty()) n.mutable_attrs().remove(name);
    else n.mutable_attrs().set(name, std::move(left));
  }

  // The body hands out state `i` at its own place only.
  static bool only_output(const Graph& body, std::size_t i, const Layout& at) {
    return std::count(body.outputs().begin(), body.outputs().end(), body.inputs()[i + at.body_inputs]) == 1;
  }

  static bool replaceable_result(const Node& n, std::size_t i, const Value& initial) {
    return i >= n.outputs().size() || is_unused(n, i) || replaceable(*n.output(i), initial);
  }

  static constexpr std::string_view kName = "remove-unused-branch-outputs";
};

}  // namespace

std::unique_ptr<Pass> remove_unused_branch_outputs() { return std::make_unique<RemoveUnusedBranchOutputs>(); }

}  // namespace onnxopt
