// Lifting: every node to the newest version of its operator, in topological order, types inferred on the way.
#include <fmt/format.h>

#include <climits>
#include <memory>
#include <string>
#include <unordered_map>

#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "passes/opset/apply.h"
#include "passes/opset/constant_nodes.h"
#include "passes/opset/opset.h"
#include "passes/opset/record.h"
#include "passes/opset/walk.h"

namespace onnxopt {
namespace {

constexpr InferOptions kLenient{.strict = false};  // a file that contradicts itself is still read and written as it is

// An attribute that only a newer version has would begin to mean something by lifting.
std::string newer_attribute(const Node& n) {
  for (const Attribute& a : n.attrs()) {
    if (n.op().find_attr(a.name)) continue;
    const OpSchema* newest = row_at(n.op(), INT_MAX);
    if (newest->find_attr(a.name)) return fmt::format("attribute '{}' is not in {} but in a newer version", a.name, row_name(n.op()));
  }
  return "";
}

// What rules and kernels rely on. Asked of the newest version only: files mix up how older ones spell an attribute.
std::string missing_attribute(const Node& n) {
  for (const AttrSpec& a : n.op().attrs)
    if (a.required && !n.attrs().has(a.name)) return fmt::format("attribute '{}' is missing", a.name);
  return "";
}

// What is wrong with a node of the newest version.
std::string broken(const Node& n) {
  std::string why = fits(n, n.op());
  return why.empty() ? missing_attribute(n) : why;
}

class Lifter {
 public:
  explicit Lifter(LiftReport& report) : report_(report) {}

  // Returns how many nodes were left behind that may be liftable once more is known.
  std::size_t lift_graph(Graph& g) {
    std::size_t left = 0;
    ConstantPool& pool = pool_of(g);
    for (Node& n : g.nodes()) left += lift_node(n, pool) ? 0 : 1;
    return left;
  }

  void list_kept(Graph& root, const std::string& where) {
    for_each_graph(root, [&](Graph& g) {
      for (const Node& n : g.nodes()) {
        const auto r = reasons_.find(&n);
        if (r == reasons_.end()) continue;
        const std::string name = g.name.empty() || &g == &root ? where : g.name;
        report_.kept.push_back({name, n.name, std::string(n.op().name), n.op().since, r->second});
      }
    });
  }

 private:
  LiftReport& report_;
  std::unordered_map<const Node*, std::string> reasons_;  // looked up by node, never iterated
  std::unordered_map<const Graph*, std::unique_ptr<ConstantPool>> pools_;

  ConstantPool& pool_of(Graph& g) {
    auto& p = pools_[&g];
    if (!p) p = std::make_unique<ConstantPool>(g);
    return *p;
  }

  bool keep(Node& n, std::string why) {
    n.kept = true;
    reasons_[&n] = std::move(why);
    return false;
  }

  // Bodies first as far as they go without the types of their inputs; then, with those, what was left.
  void infer_with_bodies(Node& n) {
    const std::vector<Graph*> bodies = n.op().has(kControlFlow) || n.op().has(kOpaque) ? n.subgraphs() : std::vector<Graph*>{};
    std::size_t left = 0;
    for (Graph* b : bodies) left += lift_graph(*b);
    infer(n, kLenient);
    if (left == 0) return;
    left = 0;
    for (Graph* b : bodies) left += lift_graph(*b);
    infer(n, kLenient);
  }

  bool lift_node(Node& n, ConstantPool& pool) {
    const RowInfo* info = row_info(n.op());
    if (!info) {
      infer_with_bodies(n);
      if (n.op().has(kOpaque) && !n.graph()->model().function_of(n)) reasons_[&n] = "operator is not in the table";
      return true;
    }
    if (!info->above) {
      if (n.op().has(kDeprecated)) keep(n, fmt::format("{} is deprecated", row_name(n.op())));
      else if (std::string why = broken(n); !why.empty()) keep(n, std::move(why));
      else if (!n.lift_record) ++report_.untouched;
      infer_with_bodies(n);
      return true;
    }
    const std::string why = raise(n, *info, pool);
    return why.empty() ? true : keep(n, why);
  }

  // To the newest version; "" or why the node stays as it is. Its outputs have types either way.
  std::string raise(Node& n, const RowInfo& info, ConstantPool& pool) {
    const OpSchema& own = n.op();
    std::string why = fits(n, own);  // what breaks its own schema is left alone
    if (why.empty()) why = newer_attribute(n);
    if (why.empty()) {
      const OpSchema& newest = *info.relabel_up;
      if (n.has_ref_attrs() && row_info(newest)->relabel_down->since > own.since)
        why = "an attribute is the function's, and unknown here";  // what has to be known on the way back
      else if (!row_info(newest)->above && !newest.has(kDeprecated)) n.set_op(newest);
      else why = adapt(n, pool);
    }
    infer_with_bodies(n);
    if (!why.empty()) return why;
    why = outputs_fit(n, own);
    if (why.empty()) why = missing_attribute(n);
    if (!why.empty()) {
      lower_again(n, own, pool);
      infer_with_bodies(n);
      return why;
    }
    n.kept = false;
    reasons_.erase(&n);
    ++report_.lifted;
    return "";
  }

  void lower_again(Node& n, const OpSchema& own, ConstantPool& pool) {
    if (const auto* r = dynamic_cast<const NodeLiftRecord*>(n.lift_record.get())) {
      Draft d(n);
      d.op = &own;
      d.attrs = r->attrs;
      d.inputs.clear();
      for (const Origin& o : r->inputs) {
        Value* v = o.kind == Origin::Kind::value ? o.value : o.kind == Origin::Kind::none ? nullptr : n.input(o.index);
        d.inputs.emplace_back(o.kind == Origin::Kind::helper ? v->producer()->input(0) : v);
      }
      apply(d, {}, n, pool);
      n.lift_record.reset();
    }
    n.set_op(own);
  }

  std::string adapt(Node& n, ConstantPool& pool) {
    if (n.has_ref_attrs()) return "an attribute is the function's, and unknown here";
    Draft d(n);
    if (std::string why = walk_up(d); !why.empty()) return why;
    if (!d.changed) {
      n.set_op(*d.op);
      return "";
    }
    auto record = std::make_shared<NodeLiftRecord>();
    record->op = &n.op();
    record->attrs = n.attrs();
    const std::vector<Value*> before(n.inputs().begin(), n.inputs().end());
    if (d.asked_types())
      for (const Value* v : before) record->types.push_back(v ? v->type : Type());
    for (std::size_t i = d.num_outputs; i < n.outputs().size(); ++i) record->dropped_outputs.emplace_back(n.output(i) ? n.output(i)->name() : "");
    std::vector<Draft> helpers(d.helpers.begin(), d.helpers.end());
    for (Node* h : apply(d, helpers, n, pool)) {
      h->lift_record = std::make_shared<HelperRecord>();
      infer(*h, kLenient);
    }
    remember_inputs(*record, before, d, n);
    record->lifted_op = &n.op();
    record->lifted_attrs = n.attrs();
    n.lift_record = std::move(record);
    return "";
  }

  static void remember_inputs(NodeLiftRecord& record, const std::vector<Value*>& before, const Draft& d, const Node& n) {
    record.lifted_inputs = static_cast<std::uint32_t>(n.inputs().size());
    for (std::uint32_t i = 0; i < d.inputs.size(); ++i)
      if (d.inputs[i].tensor) record.made.emplace_back(i, d.inputs[i].tensor);
    for (Value* v : before) {
      Origin o;
      if (v) {
        o = {Origin::Kind::value, 0, v, v->constant() ? *v->constant() : Tensor()};
        for (std::uint32_t i = 0; i < d.inputs.size(); ++i) {
          const bool behind = d.inputs[i].helper >= 0 && n.input(i)->producer()->input(0) == v;
          if (n.input(i) == v || behind) {
            o = {behind ? Origin::Kind::helper : Origin::Kind::input, i, nullptr, {}};
            break;
          }
        }
      }
      record.inputs.push_back(o);
    }
  }
};

std::vector<OpsetImport> newest(const std::vector<OpsetImport>& imports) {
  std::vector<OpsetImport> r = imports;
  for (OpsetImport& i : r)
    if (const int v = newest_opset(i.domain); v > 0) i.version = v;
  return r;
}

}  // namespace

LiftReport lift(Model& model) {
  LiftReport report;
  Lifter lifter(report);
  for (Graph* g : model.root_graphs()) constant_nodes_to_constants(*g);
  for (Graph* g : model.root_graphs()) {
    lifter.lift_graph(*g);
    lifter.list_kept(*g, g->function() ? g->function()->name : g->name);
  }
  // The branches of an If are followed up through the whole graph, which inferring node by node does not.
  if (const Graph& g = model.graph(); g.has_subgraphs()) {
    bool branches = false;
    for (const Node& n : g.nodes()) branches = branches || n.is("If");
    if (branches) infer(model.graph(), kLenient);
  }
  model.opsets = newest(model.opsets);
  for (const auto& f : model.functions) f->opsets = newest(f->opsets);
  return report;
}

}  // namespace onnxopt
