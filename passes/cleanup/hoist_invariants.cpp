// What does not change inside a Loop or Scan is computed once in front of it; constants of inner graphs (of If too) move to the outermost graph.
//   y.. = Loop (n, c, s) { ... e = Exp (outer) ... }   ==>   e = Exp (outer);  y.. = Loop (n, c, s) { ... e ... }
// A node moves only if all it reads is from outside, and if running it where the loop runs no turn does no harm: the loop provably runs at least
// once, or the node cannot fail. Nothing leaves a branch of If but constants: what the branch not taken would have computed is work, or an error.
#include <algorithm>

#include "passes/cleanup/facts.h"
#include "passes/cleanup/whole_graph.h"

namespace onnxopt {
namespace {

constexpr std::string_view kName = "hoist-invariants";

// Elementwise operators on floats that have a result for every input of fitting shapes.
constexpr std::string_view kTotal[] = {"Abs",        "Add",     "Atan",  "Ceil",    "Cos", "Div",      "Elu",  "Equal", "Erf", "Exp",
                                       "Floor",      "Greater", "Less",  "Log",     "Max", "Min",      "Mul",  "Neg",   "Not", "Pow",
                                       "Reciprocal", "Relu",    "Round", "Sigmoid", "Sin", "Softplus", "Sqrt", "Sub",   "Tanh"};

bool has_notes(const Value& v) {
  const ValueExtra* e = v.extra();
  return e && (!e->quantization.empty() || !e->metadata.empty() || !e->doc_string.empty() || !e->unknown.empty() || e->sparse || e->constant_node);
}

class HoistInvariants : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override {
    ctx_ = &ctx;
    return visit(graph);
  }

 private:
  // Inner graphs first: what leaves one may leave the next one too.
  bool visit(Graph& g) {
    bool changed = false;
    if (!g.has_subgraphs()) return changed;
    for (Node& n : g.nodes()) {
      if (!n.op().has(kControlFlow)) continue;
      for (Graph* body : n.subgraphs()) {
        changed |= visit(*body);
        changed |= lift_constants(*body);
        if ((n.is("Loop") || n.is("Scan")) && !n.kept && !n.has_ref_attrs() && !ctx_->is_kept(n)) changed |= hoist(n, *body);
      }
    }
    return changed;
  }

  bool lift_constants(Graph& body) {
    Graph& root = body.root();
    if (root.function() || root.model().ir_version < 4) return false;  // no initializers there; or they would have to be listed as inputs
    bool changed = false;
    for (Value* v : body.constants()) {
      if (v->is_graph_input() || v->is_graph_output() || v->unused() || has_notes(*v)) continue;
      if (!ctx_->take_fuel()) break;
      ctx_->record({std::string(kName), v->name(), {v->name()}, 0, 0, 0});
      Value& outer = root.add_constant(v->name(), *v->constant());
      body.replace_all_uses(*v, outer);
      body.erase_value(*v);
      changed = true;
    }
    return changed;
  }

  bool hoist(Node& loop, Graph& body) {
    const bool runs = runs_once(loop);
    bool changed = false;
    for (Node& n : body.nodes()) {
      if (!is_pure(n) || !n.subgraphs().empty() || ctx_->is_kept(n) || n.inputs().empty() || !reads_outside(n, body)) continue;
      if (std::any_of(n.outputs().begin(), n.outputs().end(), [](const Value* v) { return v && v->is_graph_output(); })) continue;
      if (!runs && !cannot_fail(n)) continue;
      if (!book(*ctx_, kName, n, 0)) break;
      move(n, loop);
      changed = true;
    }
    return changed;
  }

  static bool reads_outside(const Node& n, const Graph& body) {
    return std::all_of(n.inputs().begin(), n.inputs().end(), [&](const Value* v) { return !v || v->graph() != &body; });
  }

  static void move(Node& n, Node& loop) {
    Graph &from = *n.graph(), &to = *loop.graph();
    Node& fresh = to.insert_before(loop, n.op(), {n.inputs().begin(), n.inputs().end()}, n.attrs(), 0);
    fresh.name = n.name;
    fresh.lift_record = n.lift_record;
    if (n.extra()) fresh.make_extra() = *n.extra();
    for (Value* v : n.outputs()) {
      if (!v) {
        to.add_omitted_output(fresh);
        continue;
      }
      Value& out = to.add_node_output(fresh);
      out.type = v->type;
      if (v->known) out.known = std::make_unique<std::vector<Dim>>(*v->known);
      out.set_name(v->name());
      from.replace_all_uses(*v, out);
    }
    from.erase(n);
  }

  static bool runs_once(const Node& loop) {
    if (loop.is("Loop")) {
      const auto trips = loop.input(0) ? known_int(loop.input(0)) : std::optional<std::int64_t>(1);
      return trips && *trips >= 1 && (!loop.input(1) || splat_bool(loop.input(1)) == true);
    }
    const auto scans = loop.attr<std::int64_t>("num_scan_inputs");
    const Ints* axes = loop.attrs().get<Ints>("scan_input_axes");
    const auto first = static_cast<std::int64_t>(loop.inputs().size()) - scans;
    const Value* v = first >= 0 ? loop.input(static_cast<std::size_t>(first)) : nullptr;
    const Shape* s = shape_of(v);
    const auto axis = s ? normalize_axis(axes && !axes->empty() ? axes->front() : 0, static_cast<std::int64_t>(s->size())) : std::nullopt;
    return axis && at_least_one((*s)[static_cast<std::size_t>(*axis)], loop.graph()->model().symbols());
  }

  // Has a result for all values of its inputs, their types and shapes being what inference says.
  static bool cannot_fail(const Node& n) {
    for (const Value* v : n.inputs())
      if (v && !v->type.is_tensor()) return false;
    if (n.op().domain != "") return false;
    if (n.is("Shape") || n.is("Size") || n.is("Identity")) return true;
    if (n.is("Transpose") || n.is("Unsqueeze")) return shape_of(n.output()) != nullptr && (!n.input(1) || n.input(1)->constant());
    if (n.is("Cast")) return is_number(n.input(0)->type.dtype) && is_number(n.output()->type.dtype);
    const bool total = std::find(std::begin(kTotal), std::end(kTotal), n.op().name) != std::end(kTotal);
    if (!total || (is_integer(n.input(0)->type.dtype) && (n.is("Div") || n.is("Pow")))) return false;
    // Shapes that may not fit each other are an error; equal dims and ones always fit.
    for (std::size_t i = 1; i < n.inputs().size(); ++i)
      if (!fit(shape_of(n.input(0)), shape_of(n.input(i)))) return false;
    return n.inputs().size() <= 2;
  }

  static bool is_number(DType t) { return is_weight(t) || is_integer(t) || t == DType::boolean; }
  static bool is_weight(DType t) { return t == DType::float16 || t == DType::bfloat16 || t == DType::float32 || t == DType::float64; }

  static bool fit(const Shape* a, const Shape* b) {
    if (!a || !b) return false;
    for (std::size_t i = 1; i <= std::min(a->size(), b->size()); ++i) {
      const Dim x = (*a)[a->size() - i], y = (*b)[b->size() - i];
      if (!same(x, y) && !x.is(1) && !y.is(1)) return false;
    }
    return true;
  }

  PassContext* ctx_ = nullptr;
};

}  // namespace

std::unique_ptr<Pass> hoist_invariants() { return std::make_unique<HoistInvariants>(); }

}  // namespace onnxopt
