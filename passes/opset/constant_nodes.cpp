#include "passes/opset/constant_nodes.h"

#include "ir/io/constant_of.h"

namespace onnxopt {
namespace {

std::shared_ptr<const ConstantNodeRecord> record_of(const Node& n) {
  auto r = std::make_shared<ConstantNodeRecord>();
  r->node_name = n.name;
  if (const NodeExtra* e = n.extra()) {
    r->doc_string = e->doc_string;
    r->unknown = e->unknown;
    r->overload = e->overload;
    r->metadata = e->metadata;
  }
  r->attr_name = n.attrs().begin()->name;
  return r;
}

void move_outputs(Graph& g, const Value& from, Value& to) {
  for (std::size_t i = 0; i < g.outputs().size(); ++i)
    if (g.outputs()[i] == &from) g.replace_output(i, to);
}

// The constant takes the name and the notes of the output, so everything that read it reads on.
void replace(Graph& g, Node& n, Tensor t) {
  Value& out = *n.output();
  Value& c = g.add_constant("", std::move(t));
  c.set_name(std::string(out.name()), out.name_from_file());
  if (out.extra()) c.make_extra() = *out.extra();
  c.make_extra().constant_node = record_of(n);
  while (!out.uses().empty()) {
    const Use u = out.uses().back();
    g.set_input(*u.node, u.index, &c);
  }
  if (out.is_graph_output()) move_outputs(g, out, c);
  if (out.is_graph_output())  // a subgraph that lists an outer value as its output
    for_each_graph(g, [&](Graph& inner) { move_outputs(inner, out, c); });
  g.erase(n);
}

}  // namespace

void constant_nodes_to_constants(Graph& root) {
  for_each_graph(root, [](Graph& g) {
    const bool outputs_too = g.model().ir_version >= 4;
    for (Node& n : g.nodes()) {
      if (!n.is("Constant") || n.outputs().size() != 1 || !n.output() || !n.inputs().empty()) continue;
      if (n.output()->is_graph_output() && !outputs_too) continue;
      if (Tensor t = constant_of(n.attrs())) replace(g, n, std::move(t));
    }
  });
}

void spell_constant_nodes(Graph& root, int opset) {
  if (opset >= 12) return;
  for_each_graph(root, [](Graph& g) {
    for (Value* v : g.constants()) {
      const auto* e = v->extra();
      if (!e || !e->constant_node || e->constant_node->attr_name == "value") continue;
      auto r = std::make_shared<ConstantNodeRecord>(*e->constant_node);
      r->attr_name = "value";
      v->make_extra().constant_node = std::move(r);
    }
  });
}

}  // namespace onnxopt
