// y.. = Loop (M, cond, x..) {body}  ==>  the body's nodes in place, where it provably runs exactly once; x.., where it never runs
// Once: M is 1, or M is absent or at least 1 and the body's own condition is the constant false; and the first condition is absent or true.
#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "passes/cleanup/facts.h"
#include "passes/cleanup/whole_graph.h"

namespace onnxopt {
namespace {

class InlineShortLoop : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override {
    const bool changed = visit(graph, ctx);
    if (changed) infer(graph, {.strict = false});
    return changed;
  }

 private:
  enum class Trips { unknown, none, one };

  static Trips trips_of(const Node& n, const Graph& body) {
    const auto count = n.input(0) ? known_int(n.input(0)) : std::nullopt;
    const auto enters = n.input(1) ? splat_bool(n.input(1)) : std::optional<bool>(true);
    if ((count && *count <= 0) || enters == false) return Trips::none;
    if (enters != true) return Trips::unknown;
    if (count == 1) return Trips::one;
    return (!n.input(0) || count) && splat_bool(body.outputs()[0]) == false ? Trips::one : Trips::unknown;
  }

  static bool visit(Graph& g, PassContext& ctx) {
    bool changed = false;
    if (!g.has_subgraphs()) return changed;
    for (Node* n = g.first(); n;) {
      Node* before = n->prev();
      if (n->is("Loop") && !n->kept && !n->has_ref_attrs() && !ctx.is_kept(*n) && replace(g, *n, ctx)) {
        n = before ? before->next() : g.first();
        changed = true;
        continue;
      }
      for (Graph* sub : n->subgraphs()) changed |= visit(*sub, ctx);
      n = n->next();
    }
    return changed;
  }

  static bool replace(Graph& g, Node& n, PassContext& ctx) {
    Graph& body = **n.attrs().get<std::shared_ptr<Graph>>("body");
    const Trips trips = trips_of(n, body);
    const std::size_t states = n.inputs().size() < 2 ? 0 : n.inputs().size() - 2;
    if (trips == Trips::unknown) return false;
    std::size_t scans = 0;  // scan outputs that are read
    for (std::size_t i = states; i < n.outputs().size(); ++i) scans += n.output(i) && !n.output(i)->unused();
    if ((trips == Trips::none && scans > 0) || scans > 1) return false;  // an empty list of what shape? and no more nodes than before
    for (std::size_t i = 0; i < states; ++i)
      if (!n.input(i + 2)) return false;
    if (!book(ctx, "inline-short-loop", n, 1, static_cast<int>(scans))) return false;
    if (trips == Trips::none) {
      for (std::size_t i = 0; i < states && i < n.outputs().size(); ++i)
        if (n.output(i)) g.replace_all_uses(*n.output(i), *n.input(i + 2));
      g.erase(n);
      return true;
    }
    std::vector<Value*> results(body.outputs().begin(), body.outputs().end());
    while (!body.outputs().empty()) body.remove_output(body.outputs().size() - 1);
    const std::vector<Value*> in(body.inputs().begin(), body.inputs().end());
    for (std::size_t i = 0; i < in.size(); ++i) {
      Value* actual = i >= 2 ? n.input(i) : nullptr;
      if (i == 0) actual = &g.add_constant("iteration", Tensor::scalar<std::int64_t>(0));
      if (i == 1) actual = &g.add_constant("condition", Tensor::of<bool>({}, std::span<const bool>(&kTrue, 1)));
      for (Value*& r : results)
        if (r == in[i]) r = actual;
      body.replace_all_uses(*in[i], *actual);
    }
    forget_file_names(body);
    g.splice_before(n, body);
    for (std::size_t i = 0; i < n.outputs().size(); ++i) {
      if (!n.output(i) || n.output(i)->unused()) continue;
      Value* result = results[i + 1];
      if (i >= states) result = g.insert_before(n, op("Unsqueeze"), {result, &g.add_constant("axes", Tensor::int64s({0}))}).output();
      g.replace_all_uses(*n.output(i), *result);
    }
    g.erase(n);
    return true;
  }

  static constexpr bool kTrue = true;
};

}  // namespace

std::unique_ptr<Pass> inline_short_loop() { return std::make_unique<InlineShortLoop>(); }

}  // namespace onnxopt
