#include "passes/opset/ir_version.h"

#include <algorithm>

#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

// By the notes on IR versions in onnx.proto.
std::int64_t of_dtype(DType t) {
  switch (t) {
    case DType::bfloat16: return 4;
    case DType::float8e4m3fn:
    case DType::float8e4m3fnuz:
    case DType::float8e5m2:
    case DType::float8e5m2fnuz: return 9;
    case DType::uint4:
    case DType::int4: return 10;
    case DType::float4e2m1: return 11;
    case DType::float8e8m0: return 12;
    case DType::uint2:
    case DType::int2: return 13;
    case DType::float6e2m3:
    case DType::float6e3m2: return 14;
    default: return 1;
  }
}

std::int64_t of_type(const Type& t) {
  const std::int64_t kind = t.kind == Type::Kind::optional || t.kind == Type::Kind::sparse_tensor ? 8 : 1;
  const std::int64_t inner = t.elem ? of_type(*t.elem) : 1;
  return std::max({kind, inner, of_dtype(t.dtype)});
}

std::int64_t of_value(const Value& v) {
  std::int64_t need = of_type(v.type);
  const ValueExtra* e = v.extra();
  if (!e) return need;
  if (e->has_declared) need = std::max(need, of_type(e->declared));
  if (!e->quantization.empty()) need = std::max<std::int64_t>(need, 5);
  if (e->sparse) need = std::max<std::int64_t>(need, 6);
  if (!e->metadata.empty() || (e->constant_node && !e->constant_node->metadata.empty())) need = std::max<std::int64_t>(need, 10);
  return need;
}

std::int64_t of_node(const Node& n) {
  std::int64_t need = 1;
  for (const Attribute& a : n.attrs()) {
    if (const auto* t = std::get_if<Tensor>(&a.value); t && *t) need = std::max(need, of_dtype(t->dtype()));
    if (const auto* t = std::get_if<Type>(&a.value)) need = std::max(need, of_type(*t));
    if (std::holds_alternative<SparseTensor>(a.value)) need = std::max<std::int64_t>(need, 6);
  }
  const NodeExtra* e = n.extra();
  if (e && (!e->metadata.empty() || !e->overload.empty())) need = std::max<std::int64_t>(need, 10);
  if (e && !e->unknown.empty()) need = std::max<std::int64_t>(need, 11);  // device configurations
  return need;
}

std::int64_t of_graph(const Graph& g) {
  std::int64_t need = g.metadata.empty() ? 1 : 10;
  g.for_each_value([&](Value& v) { need = std::max(need, of_value(v)); });
  for (const Node& n : g.nodes()) need = std::max(need, of_node(n));
  return need;
}

// A weight that is an output of its graph, or an initializer of a subgraph, becomes a Constant node.
void make_constant_node(Value& v) {
  if (v.extra() && v.extra()->constant_node) return;
  v.make_extra().constant_node = std::make_shared<ConstantNodeRecord>();
}

void list_initializers_as_inputs(Model& model) {
  for (Graph* root : model.root_graphs())
    for_each_graph(*root, [](Graph& g) {
      for (Value* v : g.constants()) {
        if (v->is_graph_input() || (v->extra() && v->extra()->sparse)) continue;
        if (v->is_graph_output() || g.parent()) make_constant_node(*v);
        else if (v->name_from_file()) v->set_name(v->name());  // the writer lists every initializer that is not the file's as an input
      }
    });
}

std::vector<std::string> drop_initializers_from_inputs(Graph& g) {
  std::vector<std::string> names;
  for (std::size_t i = g.inputs().size(); i-- > 0;) {
    if (!g.inputs()[i]->constant()) continue;
    names.push_back(g.inputs()[i]->name());
    g.remove_input(i);
  }
  std::reverse(names.begin(), names.end());
  return names;
}

}  // namespace

std::int64_t lowest_ir_version(Model& model, int opset) {
  std::int64_t need = std::max<std::int64_t>(3, ir_version_for_opset(opset));
  const auto at_least = [&](bool has, std::int64_t version) {
    if (has) need = std::max(need, version);
  };
  at_least(!model.training_info.empty(), 7);
  at_least(!model.functions.empty(), 8);
  at_least(!model.configuration.empty(), 11);
  for (const auto& f : model.functions) {
    at_least(!f->attribute_defaults.empty(), 9);
    at_least(!f->overload.empty() || !f->metadata.empty(), 10);
  }
  for (Graph* root : model.root_graphs()) for_each_graph(*root, [&](Graph& g) { need = std::max(need, of_graph(g)); });
  return need;
}

std::vector<std::string> set_ir_version(Model& model, std::int64_t version) {
  const std::int64_t before = model.ir_version;
  model.ir_version = version;
  if (version < 4) list_initializers_as_inputs(model);  // files of IR version 3 that lack some are not valid
  if (before < 4 && before > 0 && version >= 4) return drop_initializers_from_inputs(model.graph());
  return {};
}

}  // namespace onnxopt
