#include "ir/core/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

std::string label(const Node& n) {
  if (!n.name.empty()) return fmt::format("'{}' ({})", n.name, n.op().name);
  const Value* first = n.output();
  return fmt::format("({}) that makes '{}'", n.op().name, first ? first->name() : "");
}

bool is_same_or_outer(const Graph* outer, const Graph* inner) {
  for (; inner; inner = inner->outer())
    if (inner == outer) return true;
  return false;
}

// One run over a tree of graphs. What it counts on the way (uses) is compared when all graphs have been seen.
class Checker {
 public:
  void run(Graph& root) {
    visit(root, root.function() ? fmt::format("function {}", root.function()->name) : root.name);
    compare_uses();
  }
  void imports(const std::vector<OpsetImport>& imports) {
    for (const OpsetImport& i : imports) imported_.insert(canonical_domain(i.domain));
    check_imports_ = true;
  }
  std::vector<Finding> take() { return std::move(findings_); }

 private:
  void broken(const std::string& where, std::string what) { findings_.push_back({where, std::move(what), true}); }
  void invalid(const std::string& where, std::string what) { findings_.push_back({where, std::move(what), false}); }

  void visit(Graph& g, const std::string& path) {
    for (const Value* v : g.inputs()) {
      check_value(*v, g, path);
      if (!v->is_graph_input()) broken(path, fmt::format("input '{}' is not marked as one", v->name()));
    }
    for (const Value* v : g.constants()) check_constant(*v, g, path);
    std::size_t count = 0;
    const Node* before = nullptr;
    for (const Node* n = g.first(); n; before = n, n = n->next()) {
      const std::string where = path + "/" + label(*n);
      ++count;
      if (n->erased() || n->graph() != &g) return broken(where, "an erased or foreign node stands in the list");
      if (n->prev() != before || (before && !g.is_before(*before, *n))) broken(where, "the node list is out of order");
      check_node(*n, g, where);
    }
    if (g.last() != before || count != g.node_count()) broken(path, fmt::format("{} nodes are counted, {} are in the list", g.node_count(), count));
    for (const Value* v : g.outputs()) {
      if (v->erased()) broken(path, fmt::format("output '{}' is erased", v->name()));
      if (!v->is_graph_output()) broken(path, fmt::format("output '{}' does not know that it is one", v->name()));
      if (!is_same_or_outer(v->graph(), &g)) broken(path, fmt::format("output '{}' belongs to a graph that is not visible here", v->name()));
    }
  }

  void check_value(const Value& v, const Graph& g, const std::string& where) {
    if (v.erased()) broken(where, fmt::format("value '{}' is erased", v.name()));
    if (v.graph() != &g) broken(where, fmt::format("value '{}' says that it belongs to another graph", v.name()));
    note_uses(v);
  }

  void check_constant(const Value& v, const Graph& g, const std::string& where) {
    if (!v.is_graph_input()) check_value(v, g, where);
    if (v.producer()) broken(where, fmt::format("constant '{}' also has a producer", v.name()));
    if (!v.type.is_static() || v.type.dtype != v.constant()->dtype() || v.type.static_dims() != v.constant()->dims())
      broken(where, fmt::format("the type of constant '{}' is not that of its tensor", v.name()));
  }

  void check_node(const Node& n, const Graph& g, const std::string& where) {
    for (std::uint32_t i = 0; i < n.inputs().size(); ++i)
      if (const Value* v = n.inputs()[i]) check_read(n, i, *v, where);
    for (std::uint32_t i = 0; i < n.outputs().size(); ++i) {
      const Value* v = n.outputs()[i];
      if (!v) continue;
      check_value(*v, g, where);
      if (v->producer() != &n || v->output_index() != i) broken(where, fmt::format("output '{}' names another producer", v->name()));
      if (v->is_graph_input() || v->constant()) broken(where, fmt::format("output '{}' is also an input or constant", v->name()));
    }
    check_schema(n, where);
    for (const Attribute& a : n.attrs())
      if (a.type() == AttrType::graph && n.subgraphs().empty()) broken(where, fmt::format("the graph attribute '{}' was not adopted", a.name));
    for (Graph* sub : n.subgraphs()) {
      if (!sub) {
        broken(where, "a graph attribute is empty");
        continue;
      }
      if (sub->parent() != &n) broken(where, fmt::format("subgraph '{}' names another parent", sub->name));
      else visit(*sub, where + "/" + sub->name);
    }
  }

  void check_read(const Node& n, std::uint32_t i, const Value& v, const std::string& where) {
    ++uses_seen_[&v];
    if (v.erased()) return broken(where, fmt::format("input {} ('{}') is erased", i, v.name()));
    if (!is_same_or_outer(v.graph(), n.graph())) return broken(where, fmt::format("input {} ('{}') is not visible here", i, v.name()));
    if (!v.producer()) {
      if (!v.is_graph_input() && !v.constant()) broken(where, fmt::format("input {} ('{}') is made by nothing", i, v.name()));
      return;
    }
    const Node* at = &n;
    while (at->graph() != v.graph()) at = at->graph()->parent();
    if (!v.graph()->is_before(*v.producer(), *at)) broken(where, fmt::format("input {} ('{}') is made later", i, v.name()));
  }

  void note_uses(const Value& v) {
    noted_.push_back(&v);
    for (const Use& u : v.uses())
      if (u.node->erased() || u.node->input(u.index) != &v) broken(v.name(), fmt::format("value '{}' lists a use that is none", v.name()));
  }

  void compare_uses() {
    for (const Value* v : noted_) {
      const auto seen = uses_seen_.find(v);
      const std::size_t count = seen == uses_seen_.end() ? 0 : seen->second;
      if (count != v->uses().size()) broken(v->name(), fmt::format("value '{}' lists {} uses, the graph has {}", v->name(), v->uses().size(), count));
    }
  }

  void check_schema(const Node& n, const std::string& where) {
    const OpSchema& op = n.op();
    if (check_imports_ && !imported_.contains(op.domain)) invalid(where, fmt::format("domain '{}' is not imported", op.domain));
    if (op.has(kOpaque)) return;
    const auto count = [](std::span<Value* const> list) {  // trailing omitted ones do not count
      std::size_t size = list.size();
      while (size > 0 && !list[size - 1]) --size;
      return static_cast<int>(size);
    };
    const int in = count(n.inputs()), out = count(n.outputs());
    bool given = in >= op.min_inputs;
    if (!given && static_cast<int>(n.inputs().size()) >= op.min_inputs)  // Loop (n, "") has two inputs, of which both may be omitted
      given = std::all_of(op.inputs.begin() + std::min<std::ptrdiff_t>(in, std::ssize(op.inputs)),
                          op.inputs.begin() + std::min<std::ptrdiff_t>(op.min_inputs, std::ssize(op.inputs)),
                          [](const auto& p) { return p.option == ParamOption::optional; });
    if (!given || static_cast<int>(n.inputs().size()) > op.max_inputs)
      invalid(where, fmt::format("{} inputs, {}-{} takes {}", n.inputs().size(), op.name, op.since, range(op.min_inputs, op.max_inputs)));
    if (out < op.min_outputs || static_cast<int>(n.outputs().size()) > op.max_outputs)
      invalid(where, fmt::format("{} outputs, {}-{} makes {}", n.outputs().size(), op.name, op.since, range(op.min_outputs, op.max_outputs)));
    for (std::size_t i = 0; i < std::min(n.inputs().size(), op.inputs.size()); ++i)
      if (!n.inputs()[i] && op.inputs[i].option == ParamOption::single)
        invalid(where, fmt::format("required input '{}' is omitted", op.inputs[i].name));
    check_attributes(n, where);
  }

  void check_attributes(const Node& n, const std::string& where) {
    const OpSchema& op = n.op();
    for (const AttrSpec& spec : op.attrs)
      if (spec.required && !n.attrs().has(spec.name)) invalid(where, fmt::format("required attribute '{}' is missing", spec.name));
    for (const Attribute& a : n.attrs()) {
      const AttrSpec* spec = op.find_attr(a.name);
      if (!spec) invalid(where, fmt::format("{}-{} has no attribute '{}'", op.name, op.since, a.name));
      else if (spec->type != a.type() && a.type() != AttrType::undefined && spec->type != AttrType::undefined)
        invalid(where, fmt::format("attribute '{}' has the wrong type", a.name));
    }
  }

  static std::string range(int low, int high) {
    if (high == INT_MAX) return fmt::format("{} or more", low);
    return low == high ? std::to_string(low) : fmt::format("{} to {}", low, high);
  }

  std::vector<Finding> findings_;
  std::vector<const Value*> noted_;
  std::unordered_map<const Value*, std::size_t> uses_seen_;
  std::unordered_set<std::string_view> imported_;
  bool check_imports_ = false;
};

}  // namespace

std::vector<Finding> check(Graph& graph) {
  Checker checker;
  checker.run(graph);
  return checker.take();
}

std::vector<Finding> check(Model& model) {
  std::vector<Finding> findings;
  for (Graph* g : model.root_graphs()) {
    Checker checker;
    checker.imports(g->function() ? g->function()->opsets : model.opsets);
    checker.run(*g);
    auto found = checker.take();
    std::move(found.begin(), found.end(), std::back_inserter(findings));
  }
  return findings;
}

}  // namespace onnxopt
