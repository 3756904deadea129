// Lowering: all nodes to the rows in force at the output opsets. First everything is planned without touching the graph, then applied.
#include <fmt/format.h>

#include <memory>
#include <unordered_map>

#include "ir/ops/op_table.h"
#include "passes/opset/apply.h"
#include "passes/opset/constant_nodes.h"
#include "passes/opset/opset.h"
#include "passes/opset/plan.h"
#include "passes/opset/record.h"
#include "passes/opset/walk.h"

namespace onnxopt {
namespace {

// What lowering does to one node.
struct Plan {
  Node* node = nullptr;
  const OpSchema* row = nullptr;  // a relabel to this row
  RelabelEdits edits;
  std::optional<Draft> draft;  // or more than that
  std::vector<Draft> helpers;
  bool back = false;  // the draft is the original form
  bool nothing() const { return !row && !draft; }
};

std::string plan_helpers(Plan& p, int version) {
  for (const Helper& h : p.draft->helpers) {
    Draft d(h);
    if (auto why = walk(d, version); !why.empty()) return why;
    if (!d.helpers.empty()) return fmt::format("no decomposition: {}", h.op);
    p.helpers.push_back(std::move(d));
  }
  return "";
}

bool plan_restoring(const Node& n, int version, Plan& p) {
  if (!n.lift_record) return false;
  auto d = restored(n, version);
  if (!d) return false;
  p.draft = std::move(d);
  p.row = nullptr;
  p.helpers.clear();
  p.back = true;
  return true;
}

// Through the tables of steps.
std::string plan_steps(const Node& n, int version, Plan& p) {
  const RowInfo* info = row_info(n.op());
  if (!info) return "";
  if (version == 0 && n.op().domain == "com.microsoft") version = 1;  // as it was read: files need not say which
  if (version == 0) return fmt::format("domain '{}' is not imported", n.op().domain.empty() ? "ai.onnx" : n.op().domain);
  const OpSchema* to = row_at(n.op(), version);
  if (to == &n.op()) return "";
  if (to && to->since < n.op().since && to->since >= info->relabel_down->since) {
    p.row = to;
    return relabel(n, n.op(), *to, p.edits);
  }
  Draft d(n);
  const OpSchema* end = destination(n.op(), version);
  if (n.has_ref_attrs() &&
      (!end || end->name != n.op().name || (end->since > n.op().since && info->relabel_up->since < end->since) || end->since < n.op().since))
    return "an attribute is the function's, and unknown here";
  if (auto why = walk(d, version); !why.empty()) return why;
  p.draft = std::move(d);
  return plan_helpers(p, version);
}

// Without `restore` the original form is only what remains where the steps lead nowhere (a form that was never standard).
std::string plan_node(const Node& n, int version, bool restore, Plan& p) {
  if (restore && plan_restoring(n, version, p)) return "";
  std::string why = plan_steps(n, version, p);
  if (!why.empty() && !restore && plan_restoring(n, version, p)) return "";
  return why;
}

bool from_lifting(const Value& v) { return v.constant() && v.unused() && !v.is_graph_input() && !v.name_from_file(); }

class Lowering {
 public:
  Lowering(Model& model, const LowerOptions& options) : model_(model), options_(options) {}

  void plan(Graph& root, const OutputOpsets& target) {
    const std::string where = root.function() ? fmt::format("function '{}', ", root.function()->name) : "";
    for_each_graph(root, [&](Graph& g) {
      for (Node& n : g.nodes()) {
        Plan p;
        p.node = &n;
        const std::string why = plan_node(n, target.version(n.op().domain), options_.restore, p);
        if (!why.empty()) blocked_.push_back(fmt::format("{}node '{}' ({}): {}", where, n.name, n.op().name, why));
        else if (!p.nothing()) plans_.push_back(std::move(p));
      }
    });
  }

  void fail_if_blocked(const OutputOpsets& target) const {
    if (blocked_.empty()) return;
    std::string text = fmt::format("cannot be expressed at opset {}: ", target.version(""));
    constexpr std::size_t kMost = 20;
    for (std::size_t i = 0; i < blocked_.size() && i < kMost; ++i) text += (i ? "; " : "") + blocked_[i];
    if (blocked_.size() > kMost) text += fmt::format("; and {} more nodes", blocked_.size() - kMost);
    if (text.find("first appears in opset") != std::string::npos) text += "; onnxopt convert can spell some operators out in older ones";
    bad_input(text);
  }

  void commit() {
    for (Plan& p : plans_) apply_plan(p);
    for (Value* v : dropped_)
      if (!v->erased() && v->constant() && v->unused() && !v->is_graph_input()) v->graph()->erase_value(*v);
    for (Node* n : helpers_)
      if (n->output()->unused()) erase_helper(*n);
  }

 private:
  Model& model_;
  const LowerOptions& options_;
  std::vector<Plan> plans_;
  std::vector<std::string> blocked_;
  std::vector<Value*> dropped_;  // constants that lost a use
  std::vector<Node*> helpers_;   // of lifting, in front of nodes that went back
  std::unordered_map<const Graph*, std::unique_ptr<ConstantPool>> pools_;

  void apply_plan(Plan& p) {
    Node& n = *p.node;
    const std::vector<Value*> before(n.inputs().begin(), n.inputs().end());
    if (p.row) {
      Graph& g = *n.graph();
      std::vector<std::string> names(p.edits.drop_attrs.begin(), p.edits.drop_attrs.end());
      for (const std::string& name : names) n.mutable_attrs().remove(name);
      g.resize_inputs(n, p.edits.num_inputs);
      for (std::size_t i = n.outputs().size(); i-- > p.edits.num_outputs;) g.set_output_omitted(n, i);
      n.set_op(*p.row);
      return;
    }
    auto& pool = pools_[n.graph()];
    if (!pool) pool = std::make_unique<ConstantPool>(*n.graph());
    apply(*p.draft, p.helpers, n, *pool);
    if (const auto* r = dynamic_cast<const NodeLiftRecord*>(n.lift_record.get())) {
      for (const Origin& o : r->inputs)
        if (!p.back && o.kind == Origin::Kind::value && !o.value->erased()) dropped_.push_back(o.value);
      n.lift_record.reset();
    }
    for (Value* v : before) {
      if (!v) continue;
      if (v->constant()) dropped_.push_back(v);
      if (p.back && v->producer() && dynamic_cast<const HelperRecord*>(v->producer()->lift_record.get())) helpers_.push_back(v->producer());
    }
  }

  void erase_helper(Node& n) {
    if (n.erased()) return;
    const std::vector<Value*> inputs(n.inputs().begin(), n.inputs().end());
    n.graph()->erase(n);
    for (Value* v : inputs)
      if (v && from_lifting(*v)) v->graph()->erase_value(*v);
  }
};

// Unused constants that we made and named: nobody asked for them.
void sweep_constants(Graph& root) {
  for_each_graph(root, [](Graph& g) {
    for (Value* v : g.constants())
      if (!v->erased() && from_lifting(*v)) g.erase_value(*v);
  });
}

std::int64_t version_in(const std::vector<OpsetImport>& imports, std::string_view domain) {
  for (const OpsetImport& i : imports)
    if (canonical_domain(i.domain) == canonical_domain(domain)) return i.version;
  return 0;
}

}  // namespace

int OutputOpsets::version(std::string_view domain) const { return static_cast<int>(version_in(imports, domain)); }

OutputOpsets own_opsets(const Model& model) {
  if (model.file_opsets.empty()) return {{{"", 1}}};
  return {model.file_opsets};
}

OutputOpsets function_opsets(const Model& model, const Function& f, const OutputOpsets& target) {
  if (f.file_opsets.empty()) return target;
  const OutputOpsets own = own_opsets(model);
  OutputOpsets r{f.file_opsets};
  for (OpsetImport& i : r.imports) {
    const int to = target.version(i.domain);
    if (to != 0 && to != own.version(i.domain)) i.version = to;  // conversion takes model and bodies along
  }
  return r;
}

NodeLowering try_lower(const Node& node, const OutputOpsets& target) {
  Plan p;
  NodeLowering r;
  r.why = plan_node(node, target.version(node.op().domain), true, p);
  r.to = p.draft ? p.draft->op : p.row ? p.row : &node.op();
  r.edits = p.back ? false : node.lift_record || p.edits.any || (p.draft && (p.draft->changed || p.draft->op->name != node.op().name));
  return r;
}

std::string cannot_lower(const Node& node, const OutputOpsets& target) {
  Plan p;
  if (std::string why = plan_node(node, target.version(node.op().domain), true, p); !why.empty()) return why;
  const OpSchema* row = p.row ? p.row : p.draft ? p.draft->op : &node.op();
  if (row == &node.op() && !node.kept)  // nothing to walk, so nobody has looked at the types
    if (std::string why = fits(node, *row); !why.empty()) return why;
  return p.back || row->name != node.op().name ? "" : outputs_fit(node, *row, true);  // a new node's outputs have no users yet
}

void lower(Model& model, const OutputOpsets& target, const LowerOptions& options) {
  Lowering lowering(model, options);
  lowering.plan(model.graph(), target);
  for (const auto& f : model.functions) lowering.plan(*f->body, function_opsets(model, *f, target));
  lowering.fail_if_blocked(target);
  lowering.commit();
  for (Graph* g : model.root_graphs()) {
    sweep_constants(*g);
    spell_constant_nodes(*g, g->function() ? function_opsets(model, *g->function(), target).version("") : target.version(""));
  }
  for (const auto& f : model.functions) f->opsets = function_opsets(model, *f, target).imports;
  const bool none = model.file_opsets.empty() && target.imports.size() == 1 && target.version("") == 1 && model.ir_version < 3;
  model.opsets = none ? std::vector<OpsetImport>{} : target.imports;
}

}  // namespace onnxopt
