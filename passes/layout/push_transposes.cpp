// Moves Transposes, and Reshapes that are Transposes of dims of size 1, through operators that do not care for the layout, where fewer are left then.
//   a = Transpose <p> (x);  b = Relu (a);  y = Transpose <inverse of p> (b)   ==>   y = Relu (x)
// From each Transpose <p> a region grows downstream: operators all of whose tensors come out of the region or out of another Transpose <p>. Inside,
// all work is done in the layout before p; behind operators that drop or add dims, p is what is left of it. The Transposes that lead in fall away if
// nobody else reads them; those that lead out with the inverse of p too; a value that others read gets one behind it. It is done if the count falls.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "passes/cleanup/whole_graph.h"
#include "passes/layout/transparent.h"

namespace onnxopt {
namespace {

constexpr std::size_t kMaxRegion = 4096;

// x read through `p` is x with another shape: only dims of size 1 pass each other.
bool only_moves_ones(const Shape& x, const Perm& p) {
  std::int64_t last = -1;
  for (const auto from : p) {
    if (x[static_cast<std::size_t>(from)].is(1)) continue;
    if (from < last) return false;
    last = from;
  }
  return true;
}

// A Reshape that moves a dim past others of size 1, to the end or behind the first, is a Transpose too. Which of several is open, so the layouts that
// convolutions make are taken: [0, 2, 3, 1] and [0, 3, 1, 2].
std::optional<Perm> perm_of_reshape(const Node& n) {
  const Shape *in = shape_of(n.input(0)), *out = shape_of(n.output());
  if (!in || !out || in->size() != out->size() || in->size() < 3 || same_dims(*in, *out)) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(in->size());
  for (const bool to_end : {true, false}) {
    Perm p{0};
    Shape moved{(*in)[0]};
    for (std::int64_t i = 1; i < rank; ++i) {
      p.push_back(to_end ? i % (rank - 1) + 1 : (i + rank - 3) % (rank - 1) + 1);
      moved.push_back((*in)[static_cast<std::size_t>(p.back())]);
    }
    if (same_dims(moved, *out) && only_moves_ones(*in, p)) return p;
  }
  return std::nullopt;
}

struct Region {
  std::vector<Node*> sources;  // Transposes that lead in
  std::vector<Node*> nodes;    // in list order
  std::unordered_map<const Node*, Permuted> how;
  std::unordered_map<const Value*, Perm> inside;  // outputs of nodes and of sources: each is Transpose <perm> of what it will be
};

class PushTransposes : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override {
    ctx_ = &ctx;
    bool changed = false;
    for_each_graph(graph, [&](Graph& g) { changed |= run_one(g); });
    if (changed) infer(graph, {.strict = false});
    return changed;
  }

 private:
  // What a Transpose, or a Reshape that is one, does to the dims.
  std::optional<Perm> perm_of(const Node& n) const {
    if (n.kept || !plain(n) || ctx_->is_kept(n)) return std::nullopt;
    if (n.is("Reshape")) return perm_of_reshape(n);
    const Ints* perm = n.is("Transpose") ? n.attrs().get<Ints>("perm") : nullptr;
    return perm ? std::optional<Perm>(*perm) : std::nullopt;
  }

  bool run_one(Graph& g) {
    bool changed = false;
    std::unordered_set<const Node*> tried;
    for (Node* n = g.first(); n;) {
      Node* next = n->next();
      const auto perm = perm_of(*n);
      if (perm && !is_identity(*perm) && !tried.contains(n)) {
        Region r = grow(g, *n, *perm);
        for (const Node* s : r.sources) tried.insert(s);
        if (!r.nodes.empty() && gain(r) > 0 && book(*ctx_, "push-transposes", *n, gain(r))) {
          Node* before = first_of(r)->prev();
          apply(g, r);
          next = before ? before->next() : g.first();
          changed = true;
        }
      }
      n = next;
    }
    return changed;
  }

  static Node* first_of(const Region& r) {
    Node* first = r.nodes.front();
    for (Node* s : r.sources)
      if (s->graph()->is_before(*s, *first)) first = s;
    return first;
  }

  // Candidates are taken in list order, so that a node is looked at after everything that leads to it.
  Region grow(Graph& g, Node& start, const Perm& perm) {
    Region r{{&start}, {}, {}, {{start.output(), perm}}};
    std::vector<Node*> candidates;
    const auto later = [&](const Node* a, const Node* b) { return g.is_before(*b, *a); };
    const auto reach = [&](const Value* v) {
      for (const Use& u : v->uses())
        if (u.node->graph() == &g) {
          candidates.push_back(u.node);
          std::push_heap(candidates.begin(), candidates.end(), later);
        }
    };
    reach(start.output());
    const Node* last = nullptr;
    while (!candidates.empty() && r.nodes.size() < kMaxRegion) {
      std::pop_heap(candidates.begin(), candidates.end(), later);
      Node* n = candidates.back();
      candidates.pop_back();
      if (n == last || ctx_->is_kept(*n)) continue;
      last = n;
      if (!admit(r, *n)) continue;
      r.nodes.push_back(n);
      for (const Value* v : n->outputs()) {
        if (!v) continue;
        r.inside.emplace(v, r.how.at(n).result);
        if (!is_identity(r.how.at(n).result)) reach(v);
      }
    }
    return r;
  }

  // How the values of the region that `n` reads are transposed.
  static const Perm* perm_read_by(const Region& r, const Node& n, const std::vector<std::size_t>& operands) {
    for (const std::size_t i : operands)
      if (const auto it = r.inside.find(n.input(i)); it != r.inside.end()) return &it->second;
    return nullptr;
  }

  // Takes other Transposes that lead to `n`, in the same way as the region, as sources.
  bool admit(Region& r, Node& n) {
    const auto operands = tensor_operands(n);
    const Perm* read = perm_read_by(r, n, operands);
    if (!read || is_identity(*read)) return false;
    const Perm perm = *read;
    for (const std::size_t i : operands) {
      if (const auto it = r.inside.find(n.input(i)); it != r.inside.end()) {
        if (it->second != perm) return false;
        continue;
      }
      const Node* t = n.input(i)->producer();
      const auto p = t && t->graph() == n.graph() ? perm_of(*t) : std::nullopt;
      if (!p || *p != perm) return false;
    }
    // A region value may only be read as a tensor, not as a bound or axes.
    for (std::size_t i = 0; i < n.inputs().size(); ++i)
      if (r.inside.contains(n.input(i)) && std::find(operands.begin(), operands.end(), i) == operands.end()) return false;
    if ((n.is("Softmax") || n.is("LogSoftmax")) && before_opset_13(*n.graph())) return false;  // there its axis splits the shape in two
    auto how = permuted(n, perm, ctx_->evaluator);
    if (!how) return false;
    for (const std::size_t i : operands)
      if (!r.inside.contains(n.input(i))) {
        r.sources.push_back(n.input(i)->producer());
        r.inside.emplace(n.input(i), perm);
      }
    r.how.emplace(&n, std::move(*how));
    return true;
  }

  bool before_opset_13(Graph& g) const {
    const Function* f = g.root().function();
    const OutputOpsets target = f ? OutputOpsets{f->file_opsets} : ctx_->output;
    return !target.imports.empty() && target.version("") < 13;
  }

  bool in_region(const Region& r, const Use& u) const { return r.how.contains(u.node); }

  std::optional<Perm> read_perm(const Use& u) const { return u.index == 0 ? perm_of(*u.node) : std::nullopt; }
  // A reader outside that undoes the layout.
  bool undoes(const Region& r, const Perm& perm, const Use& u) const {
    const auto p = read_perm(u);
    return p && *p == inverse(perm) && u.node->graph() == r.nodes.front()->graph() && !u.node->output()->is_graph_output();
  }
  // A reader outside that is a Transpose: it can take the other layout at no cost.
  bool composes(const Region& r, const Use& u) const { return read_perm(u) && u.node->graph() == r.nodes.front()->graph(); }

  int gain(const Region& r) const {
    int gain = 0;
    for (const Node* s : r.sources)
      gain += !s->output()->is_graph_output() &&
              std::all_of(s->output()->uses().begin(), s->output()->uses().end(), [&](const Use& u) { return in_region(r, u); });
    for (const Node* n : r.nodes)
      for (const Value* v : n->outputs()) {
        if (!v || is_identity(r.inside.at(v))) continue;
        bool leaves = v->is_graph_output();
        for (const Use& u : v->uses()) {
          if (in_region(r, u)) continue;
          if (undoes(r, r.inside.at(v), u)) ++gain;
          else if (!composes(r, u)) leaves = true;
        }
        gain -= leaves;
      }
    return gain;
  }

  void apply(Graph& g, const Region& r) {
    std::unordered_map<const Value*, Value*> moved;  // region value -> the same in the layout before perm
    for (const Node* s : r.sources) moved[s->output()] = s->input(0);
    for (Node* n : r.nodes) {
      const Permuted& how = r.how.at(n);
      std::vector<Value*> in(n->inputs().begin(), n->inputs().end());
      for (Value*& v : in)
        if (const auto it = moved.find(v); it != moved.end()) v = it->second;
      for (const auto& [i, t] : how.constants) in[i] = &g.add_constant("permuted", t);
      Node& fresh = g.insert_before(*n, n->op(), std::move(in), how.attrs, 0);
      fresh.name = n->name;
      if (n->extra()) fresh.make_extra() = *n->extra();
      for (const Value* v : n->outputs()) {
        if (!v) {
          g.add_omitted_output(fresh);
          continue;
        }
        moved[v] = &g.add_node_output(fresh);
      }
      infer(fresh, {.strict = false});
    }
    for (Node* n : r.nodes) leave(g, r, *n, moved);
    for (auto it = r.nodes.rbegin(); it != r.nodes.rend(); ++it) g.erase(**it);
    for (Node* s : r.sources)
      if (s->output()->unused()) g.erase(*s);
  }

  // `t`, a Transpose or a Reshape that is one, becomes Transpose <perm> (from).
  static void retarget(Graph& g, Node& t, Value& from, const Perm& perm) {
    if (t.is("Transpose")) {
      g.set_input(t, 0, &from);
      t.mutable_attrs().set("perm", perm);
      t.lift_record.reset();
      return;
    }
    Node& fresh = g.insert_before(t, op("Transpose"), {&from}, {Attribute("perm", perm)});
    fresh.name = t.name;
    if (t.extra()) fresh.make_extra() = *t.extra();
    fresh.output()->type = t.output()->type;
    g.replace_all_uses(*t.output(), *fresh.output());
    g.erase(t);
  }

  // Readers of the outputs of `n` outside the region.
  void leave(Graph& g, const Region& r, Node& n, const std::unordered_map<const Value*, Value*>& moved) const {
    for (Value* v : n.outputs()) {
      if (!v) continue;
      Value* ours = moved.at(v);
      const Perm& perm = r.inside.at(v);
      if (is_identity(perm)) {
        g.replace_all_uses(*v, *ours);
        continue;
      }
      std::vector<Node*> transposes;
      for (const Use& u : v->uses())
        if (!r.how.contains(u.node) && composes(r, u)) transposes.push_back(u.node);
      std::sort(transposes.begin(), transposes.end(), [](const Node* a, const Node* b) { return a->id() < b->id(); });
      for (Node* t : transposes) {
        const Perm q = *perm_of(*t);
        Perm both;
        for (const auto i : q) both.push_back(perm[static_cast<std::size_t>(i)]);
        if (is_identity(both) && replaceable(*t->output(), *ours)) {
          g.replace_all_uses(*t->output(), *ours);
          g.erase(*t);
        } else {
          retarget(g, *t, *ours, both);
        }
      }
      const bool leaves =
          v->is_graph_output() || std::any_of(v->uses().begin(), v->uses().end(), [&](const Use& u) { return !r.how.contains(u.node); });
      if (!leaves) continue;
      Node& back = g.insert_before(n, op("Transpose"), {ours}, {Attribute("perm", perm)});
      back.output()->type = v->type;
      // Old nodes of the region read it too now; they are erased next.
      g.replace_all_uses(*v, *back.output());
    }
  }

  PassContext* ctx_ = nullptr;
};

}  // namespace

std::unique_ptr<Pass> push_transposes() { return std::make_unique<PushTransposes>(); }

}  // namespace onnxopt
