#include "verify/compare/cut.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "ir/io/constant_of.h"
#include "ir/ops/infer.h"
#include "ir/text/text.h"
#include "verify/compare/inner_values.h"
#include "verify/exec/executor.h"

namespace onnxopt {
namespace {

using ByName = std::unordered_map<std::string, Value*>;

bool is_random(const Node& n) {
  if (!n.op().has(kNondeterministic)) return false;
  if (!n.is("Dropout")) return true;
  const Value* v = n.input(2);
  if (!v) return false;
  const Node* maker = v->producer();  // a Constant node, where the model was not lifted
  const Tensor training = v->constant() ? *v->constant() : maker && maker->is("Constant") ? constant_of(maker->attrs()) : Tensor();
  return !(training && training.size() == 1 && training.bytes()[0] == std::byte{0});
}

ByName node_outputs(Graph& g) {
  ByName r;
  for (Node& n : g.nodes())
    for (Value* v : n.outputs())
      if (v) r.emplace(v->name(), v);
  return r;
}

// The type to make values of: what inference knows, else what the file declares.
Type made_up_type(const Value& v) {
  if (v.type.is_tensor() && v.type.has_rank()) return v.type;
  if (v.extra() && v.extra()->has_declared && v.extra()->declared.kind != Type::Kind::unknown) return v.extra()->declared;
  return v.type;
}

bool is_known(const Type& t) { return t.kind != Type::Kind::unknown && !(t.is_tensor() && t.dtype == DType::undefined); }

// What is not known of an output of an operator that nobody knows is taken to be as its first input has it: most such operators quantize, normalize
// or activate. A wrong guess makes the model fail on made-up inputs, never a wrong verdict: both models are fed the same.
Type guessed_type(const Node& n, Type type) {
  const Value* first = n.input(0);
  if (!n.op().has(kOpaque) || !first || !first->type.is_tensor() || !is_known(first->type)) return type;
  if (!is_known(type)) return first->type;
  if (!type.is_tensor() || !first->type.has_rank()) return type;
  if (!type.has_rank()) type.shape = first->type.shape;
  if (type.rank() != first->type.rank()) return type;
  for (std::size_t i = 0; i < type.shape->size(); ++i)
    if (Dim& d = (*type.shape)[i]; !d.is_value()) d = (*first->type.shape)[i];
  return type;
}

// `v` comes from a new input `name` instead. An output of the graph keeps its name where the input does not take it.
void feed_from_outside(Graph& g, Value& v, const std::string& name, const Type& type) {
  if (v.name() == name) v.set_name(name + "#cut");
  Value& input = g.add_input(name, type);
  g.replace_all_uses(v, input);
}

bool all_unused(const Node& n) {
  return std::all_of(n.outputs().begin(), n.outputs().end(), [](const Value* v) { return !v || v->unused(); });
}

// The attributes that are no graphs.
Attrs plain_attrs(const Node& n) {
  Attrs r;
  for (const Attribute& a : n.attrs())
    if (a.type() != AttrType::graph && a.type() != AttrType::graphs) r.add(a);
  return r;
}

class Cutter {
 public:
  Cutter(Model& reference, Model& candidate) : reference_(reference), candidate_(candidate), in_candidate_(node_outputs(candidate.graph())) {}

  CutResult run(const std::vector<Node*>& nodes) {
    for (Node& n : reference_.graph().nodes()) order_.push_back(&n);
    for (Node* n : nodes) {
      if (!infer_up_to(*n) || (!n->erased() && !cut(*n))) break;
    }
    if (result_.failure.empty()) find_left_over();
    return std::move(result_);
  }

 private:
  // The types that follow from what was guessed. False: a guess does not fit what reads it.
  bool infer_up_to(const Node& n) {
    try {
      for (; next_ < order_.size() && order_[next_] != &n; ++next_)
        if (guessed_ && !order_[next_]->erased()) infer(*order_[next_]);
      return true;
    } catch (const Error& e) {
      return fail(fmt::format("the type of its output is not known; that of its input does not fit: {}", e.what()));
    }
  }
  Type type_for(const Node& n, const Value& v) {
    const Type known = made_up_type(v);
    Type r = guessed_type(n, known);
    guessed_ |= !(r == known);
    return r;
  }

  bool fail(const std::string& why) {
    result_.failure = fmt::format("{} cannot run here and {}", result_.ops.back(), why);
    return false;
  }

  bool cut(Node& n) {
    const std::string domain = n.op().domain.empty() ? "" : std::string(n.op().domain) + ".";
    result_.ops.push_back(fmt::format("{}{}{}", domain, n.op().name, n.name.empty() ? "" : " (" + n.name + ")"));
    for (const Value* v : n.outputs()) {
      if (!v || v->unused()) continue;
      if (!is_known(type_for(n, *v))) return fail(fmt::format("the type of its output '{}' is not known", v->name()));
    }
    Node* twin = find_twin(n);
    if (twin && (twin->op().name != n.op().name || twin->op().domain != n.op().domain))
      return fail(fmt::format("in its place stands {}", twin->op().name));
    if (twin && !same_node(n, *twin)) return false;
    if (twin) compare_reads(n, *twin);
    else twinless_.push_back(&n.op());
    for (std::size_t i = 0; i < n.outputs().size(); ++i) {
      Value *v = n.output(i), *w = twin ? twin->output(i) : nullptr;
      if (!v) continue;
      const std::string name = v->name();
      const Type type = type_for(n, *v);
      if (w) feed_from_outside(candidate_.graph(), *w, name, type);
      if (twin || !v->unused()) feed_from_outside(reference_.graph(), *v, name, type);
    }
    if (!twin && !all_unused(n)) return fail("the result has no node that stands for it");
    if (twin && !all_unused(*twin)) return fail("its outputs are named differently in the result");
    reference_.graph().erase(n);
    if (twin) candidate_.graph().erase(*twin);
    return true;
  }

  // Without a twin a node was taken to be gone from the result. It is not where one of its kind is still there: which of several, nothing says.
  void find_left_over() {
    for (const Node& m : candidate_.graph().nodes())
      for (const OpSchema* op : twinless_)
        if (m.op().name == op->name && m.op().domain == op->domain) {
          fail(fmt::format("it is not known which {} of the result stands for it", op->name));
          return;
        }
  }

  // The node of the candidate that stands for `n`: it makes a value of the same name, has the node's name, or is the only one of its kind in both.
  Node* find_twin(const Node& n) {
    for (const Value* v : n.outputs())
      if (const auto it = v ? in_candidate_.find(v->name()) : in_candidate_.end(); it != in_candidate_.end() && it->second->producer())
        return it->second->producer();
    std::vector<Node*> kind;
    for (Node& m : candidate_.graph().nodes())
      if (m.op().name == n.op().name && m.op().domain == n.op().domain) kind.push_back(&m);
    std::vector<Node*> namesakes;
    std::copy_if(kind.begin(), kind.end(), std::back_inserter(namesakes), [&](const Node* m) { return !n.name.empty() && m->name == n.name; });
    if (namesakes.size() == 1) return namesakes.front();
    std::size_t here = 0;
    for (const Node& m : reference_.graph().nodes()) here += m.op().name == n.op().name && m.op().domain == n.op().domain;
    return here == 1 && kind.size() == 1 ? kind.front() : nullptr;
  }

  bool same_node(const Node& a, const Node& b) {
    if (!same_attrs(plain_attrs(a), plain_attrs(b)) || a.inputs().size() != b.inputs().size()) {
      result_.differs = true;
      return fail("its attributes or the number of its inputs changed");
    }
    const auto x = a.subgraphs(), y = b.subgraphs();
    bool same = x.size() == y.size();
    for (std::size_t i = 0; same && i < x.size(); ++i) same = difference(*x[i], *y[i]).empty();
    if (!same) result_.unproven.push_back(fmt::format("the body of {} was changed, and nothing of it was compared", result_.ops.back()));
    return true;
  }

  // What both nodes read becomes an output; constants are compared at once.
  void compare_reads(Node& a, Node& b) {
    for (std::size_t i = 0; i < a.inputs().size(); ++i)
      if (a.input(i) && b.input(i)) compare_value(*a.input(i), *b.input(i));
    ByName captured;
    for (Value* v : read_values(b)) captured.emplace(v->name(), v);
    for (Value* v : read_values(a)) {
      const bool is_input = std::find(a.inputs().begin(), a.inputs().end(), v) != a.inputs().end();
      if (const auto it = captured.find(v->name()); !is_input && it != captured.end()) compare_value(*v, *it->second);
    }
  }

  void compare_value(Value& a, Value& b) {
    if (a.constant() && b.constant() && a.constant()->same_content(*b.constant())) return;
    if (a.is_graph_input() && b.is_graph_input() && a.name() == b.name()) return;
    if (!compared_.insert(&a).second) return;
    reference_.graph().add_output(a);
    candidate_.graph().add_output(b);
  }

  Model &reference_, &candidate_;
  const ByName in_candidate_;
  std::unordered_set<const Value*> compared_;
  std::vector<Node*> order_;  // of the reference; some are erased by now
  std::vector<const OpSchema*> twinless_;
  std::size_t next_ = 0;  // in it: the first that was not looked at
  bool guessed_ = false;  // some type since was
  CutResult result_;
};

// From a node anywhere to the nodes of the main graph that run it: up through subgraphs, and from a function's body to its calls.
class TopLevel {
 public:
  explicit TopLevel(Model& m) : model_(m) {
    if (m.functions.empty()) return;
    for (Graph* root : m.root_graphs())
      for_each_graph(*root, [&](Graph& g) {
        for (Node& n : g.nodes())
          if (const Function* f = m.function_of(n)) calls_[f].push_back(&n);
      });
  }
  void add(Node& n) {
    Node* top = &n;
    while (top->graph()->parent()) top = top->graph()->parent();
    if (!seen_.insert(top).second) return;
    if (top->graph() == &model_.graph()) found_.insert(top);
    else if (const auto it = calls_.find(top->graph()->function()); it != calls_.end())
      for (Node* call : it->second) add(*call);
  }
  std::vector<Node*> in_order() const {
    std::vector<Node*> r;
    for (Node& n : model_.graph().nodes())
      if (found_.count(&n)) r.push_back(&n);
    return r;
  }

 private:
  Model& model_;
  std::unordered_map<const Function*, std::vector<Node*>> calls_;
  std::unordered_set<const Node*> seen_, found_;
};

}  // namespace

std::vector<Node*> nodes_to_cut(Model& m) {
  TopLevel top(m);
  for (Graph* root : m.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (Node& n : g.nodes())
        if (is_random(n)) top.add(n);
    });
  const Executor planned(m);
  for (const auto& u : planned.unsupported()) top.add(const_cast<Node&>(*u.node));
  return top.in_order();
}

CutResult cut_at(Model& reference, Model& candidate, const std::vector<Node*>& nodes) { return Cutter(reference, candidate).run(nodes); }

}  // namespace onnxopt
