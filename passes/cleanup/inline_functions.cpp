// Calls of local functions  ==>  the nodes of their bodies, with the caller's attributes in place of the references. Only on demand (--inline).
#include <algorithm>
#include <unordered_map>

#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "passes/cleanup/whole_graph.h"

namespace onnxopt {
namespace {

constexpr std::size_t kMaxNodes = 10'000'000;  // functions that call functions can double at each level

// The attribute that `name` refers to: the call's, else the function's default; null: none, the referring attribute is dropped.
const Attribute* actual(const Node& call, const Function& f, std::string_view name) {
  if (const Attribute* a = call.attrs().find(name)) return a;
  return f.attribute_defaults.find(name);
}

void resolve(Node& n, const Node& call, const Function& f) {
  if (n.has_ref_attrs()) {
    Attrs attrs;
    for (const Attribute& a : n.attrs()) {
      if (!a.is_ref()) {
        attrs.add(a);
        continue;
      }
      const Attribute* from = actual(call, f, a.extra->ref_attr_name);
      if (!from) continue;
      Attribute copy = *from;
      copy.name = a.name;
      attrs.add(std::move(copy));
    }
    n.mutable_attrs() = std::move(attrs);
  }
  for (Graph* sub : n.subgraphs())
    for (Node& inner : sub->nodes()) resolve(inner, call, f);
}

class InlineFunctions : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override {
    const bool changed = visit(graph, ctx);
    if (changed) infer(graph, {.strict = false});
    return changed;
  }

 private:
  static bool visit(Graph& g, PassContext& ctx) {
    bool changed = false;
    for (Node* n = g.first(); n;) {
      const Function* f = n->op().has(kOpaque) ? ctx.model->function_of(*n) : nullptr;
      Node* before = n->prev();
      if (f && !ctx.is_kept(*n) && !holds_graph(*n) && g.node_count() < kMaxNodes && book(ctx, "inline-functions", *n, 1)) {
        inline_call(g, *n, *f);
        import_from(*f, g, ctx);
        n = before ? before->next() : g.first();  // the body may call functions itself
        changed = true;
        continue;
      }
      for (Graph* sub : n->subgraphs()) changed |= visit(*sub, ctx);
      n = n->next();
    }
    return changed;
  }

  // A graph given as attribute would have to be copied for each place that refers to it.
  static bool holds_graph(const Node& n) { return !n.subgraphs().empty(); }

  // A file that calls a function need not import what only the function's body uses.
  static void import_from(const Function& f, Graph& g, PassContext& ctx) {
    Graph* root = &g;
    while (root->outer()) root = root->outer();
    Function* host = root->function();
    const auto add = [](std::vector<OpsetImport>& to, const OpsetImport& i) {
      const auto same = [&](const OpsetImport& o) { return canonical_domain(o.domain) == canonical_domain(i.domain); };
      if (std::none_of(to.begin(), to.end(), same)) to.push_back(i);
    };
    for (const OpsetImport& i : f.file_opsets) {
      if (host && host->file_opsets.empty()) continue;  // it has the model's
      add(host ? host->file_opsets : ctx.output.imports, i);
      add(host ? host->opsets : ctx.model->opsets, i);
      if (!host && !ctx.model->file_opsets.empty()) add(ctx.model->file_opsets, i);  // whoever saves at the model's own opsets
    }
  }

  static void inline_call(Graph& g, Node& call, const Function& f) {
    std::unordered_map<const Value*, Value*> map;
    const auto formal = f.body->inputs();
    for (std::size_t i = 0; i < formal.size(); ++i) map[formal[i]] = call.input(i);
    Node* before = call.prev();
    clone_nodes(*f.body, g, &call, map);
    for (Node* n = before ? before->next() : g.first(); n != &call; n = n->next()) {
      resolve(*n, call, f);
      n->lift_record.reset();  // what it was in the function's opset is not what the caller's opset has
      if (!call.name.empty()) n->name = call.name + "/" + n->name;
    }
    const auto results = f.body->outputs();
    for (std::size_t i = 0; i < call.outputs().size() && i < results.size(); ++i)
      if (call.output(i) && map.at(results[i])) g.replace_all_uses(*call.output(i), *map.at(results[i]));
    g.erase(call);
  }
};

}  // namespace

std::unique_ptr<Pass> inline_functions() { return std::make_unique<InlineFunctions>(); }

}  // namespace onnxopt
