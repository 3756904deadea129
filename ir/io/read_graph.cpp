#include "ir/io/read_graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/core/sparse.h"
#include "ir/io/constant_of.h"
#include "ir/io/fields.h"
#include "ir/io/read_tensor.h"
#include "ir/io/type_codec.h"
#include "ir/ops/op_table.h"

namespace onnxopt {
Value* GraphReader::find(const Scope& scope, std::string_view name) {
  for (const Scope* s = &scope; s; s = s->outer)
    if (Value* const* v = s->names.find(name)) return *v;
  return nullptr;
}

void GraphReader::define(Scope& scope, std::string_view name, Value& value) {
  if (!scope.names.insert(name, &value))
    bad_input(fmt::format("value '{}' is defined twice in graph '{}'; names must be unique in a graph", name, scope.graph.name));
}

namespace {
bool says_something(const ValueInfoParts& info) {
  return info.has_type || !info.doc_string.empty() || !info.metadata.empty() || !info.unknown.empty();
}
}  // namespace

void GraphReader::declare(ValueExtra& extra, const ValueInfoParts& info) const {
  if (info.has_type && !extra.has_declared) {
    TypeNotes notes;
    extra.declared = in_context([&] { return fmt::format("type of '{}'", info.name); }, [&] { return read_type(info.type, ctx_, notes); });
    extra.has_declared = true;
    extra.dim_denotations = std::move(notes.dim_denotations);
    extra.type_denotation = std::move(notes.denotation);
    extra.opaque_type = std::move(notes.verbatim);
  }
  if (extra.doc_string.empty()) extra.doc_string = info.doc_string;
  if (extra.metadata.empty()) extra.metadata = info.metadata;
  if (extra.unknown.empty()) extra.unknown = info.unknown;
}

void GraphReader::add_input(Scope& scope, std::string_view message) {
  const ValueInfoParts info = read_value_info(message, ctx_);
  if (info.name.empty()) bad_input(fmt::format("an input of graph '{}' has no name", scope.graph.name));
  Value& v = scope.graph.add_input(std::string(info.name), Type());
  define(scope, info.name, v);
  if (says_something(info)) declare(v.make_extra(), info);
  if (v.extra()) v.type = v.extra()->declared;
}

void GraphReader::add_initializer(Scope& scope, std::string_view message) {
  std::string_view name;
  Tensor t = read_tensor(message, ctx_, &name);
  if (name.empty()) bad_input(fmt::format("an initializer of graph '{}' has no name", scope.graph.name));
  if (Value* const* known = scope.names.find(name)) {
    if ((*known)->constant() || !(*known)->is_graph_input())
      bad_input(fmt::format("initializer '{}' is given twice in graph '{}'", name, scope.graph.name));
    scope.graph.set_constant(**known, std::move(t));
    return;
  }
  Value& v = scope.graph.add_constant(name, std::move(t));
  v.set_name(std::string(name), true);
  define(scope, name, v);
}

namespace {

// The default value of an input is a tensor here, as it is for runtimes: the caller may put another dense one in its place.
void set_sparse_default(Graph& g, Value& input, const SparseTensor& sparse) {
  Tensor t = dense_tensor(sparse, std::int64_t{1} << 30);
  if (!t) bad_input(fmt::format("input '{}' of graph '{}' has a sparse default value that is too large to be written out", input.name(), g.name));
  g.set_constant(input, std::move(t));
}

}  // namespace

// A sparse initializer stands in the IR as a Constant node with sparse_value, so that nothing else has to know it; extra().sparse says that it
// goes back as what it was.
void GraphReader::add_sparse_initializer(Scope& scope, std::string_view message) {
  auto sparse = std::make_shared<SparseTensor>(read_sparse_tensor(message, ctx_));
  const TensorNotes* notes = sparse->values.notes();
  if (!notes || notes->name.empty()) bad_input(fmt::format("a sparse initializer of graph '{}' has no name", scope.graph.name));
  if (Value* const* known = scope.names.find(notes->name); known && (*known)->is_graph_input() && !(*known)->constant())
    return set_sparse_default(scope.graph, **known, *sparse);
  Node& node = scope.graph.append(op("Constant"), {}, Attrs{{"sparse_value", *sparse}}, 1);
  Value& v = *node.output();
  v.set_name(notes->name, true);
  v.make_extra().sparse = sparse;
  if (!scope.names.insert(notes->name, &v))
    bad_input(fmt::format("sparse initializer '{}' is also another initializer of graph '{}'", notes->name, scope.graph.name));
}

namespace {

bool is_read_below(const Value& v, const Node& node) {
  return std::any_of(v.uses().begin(), v.uses().end(), [&](const Use& u) {
    for (const Graph* g = u.node->graph(); g; g = g->outer())
      if (g->parent() == &node) return true;
    return false;
  });
}

}  // namespace

// An initializer of one branch hides the outer value of its name. Where another branch of the node reads that one, ONNX Runtime gives it to both.
void GraphReader::refuse_ambiguous_names(const Scope& scope, const Node& node) {
  for (const Graph* g : node.subgraphs())
    for (const Value* v : g->constants())
      if (const Value* outer = find(scope, v->name()); outer && is_read_below(*outer, node))
        bad_input(fmt::format("initializer '{}' of inner graph '{}' has the name of an outer value that the same node reads; rename one of them",
                              v->name(), g->name));
}

void GraphReader::add_subgraphs(Scope& scope, Node& node, std::vector<PendingGraphs>& graphs) {
  for (const PendingGraphs& p : graphs) {
    for (const std::string_view message : p.messages) {
      auto sub = std::make_shared<Graph>(model_);
      Graph& body = *sub;
      const auto extra = node.mutable_attrs().find(p.name)->extra;
      scope.graph.adopt_subgraph(node, p.name, std::move(sub));
      node.mutable_attrs().find(p.name)->extra = extra;
      in_context([&] { return fmt::format("graph attribute '{}'", p.name); }, [&] { read_subgraph(message, body, &scope); });
    }
  }
  refuse_ambiguous_names(scope, node);
}

// A Constant node that needs no Node: false where it does. (An output of IR version 3 and older must be made by a node, and which values are outputs
// is not known yet.)
bool GraphReader::add_as_constant(Scope& scope, const OpSchema& op, const NodeParts& parts) {
  if (!op.is("Constant") || !parts.inputs.empty() || parts.outputs.size() != 1 || parts.outputs[0].empty() || model_.ir_version < 4) return false;
  std::vector<PendingGraphs> graphs;
  const Attrs attrs = read_attributes(parts.attributes, ctx_, graphs);
  Tensor t = constant_of(attrs);
  if (!t) return false;
  ConstantNodeRecord record;
  record.node_name = parts.name;
  record.doc_string = parts.doc_string;
  record.unknown = parts.unknown;
  record.overload = parts.overload;
  record.metadata = parts.metadata;
  record.attr_name = attrs.begin()->name;
  const auto same = [](const ConstantNodeRecord& a, const ConstantNodeRecord& b) {
    return a.node_name == b.node_name && a.attr_name == b.attr_name && a.doc_string == b.doc_string && a.unknown == b.unknown &&
           a.overload == b.overload && a.metadata == b.metadata;
  };
  if (!last_record_ || !same(*last_record_, record)) last_record_ = std::make_shared<const ConstantNodeRecord>(std::move(record));
  Value& v = scope.graph.add_constant(parts.outputs[0], std::move(t));
  v.set_name(std::string(parts.outputs[0]), true);
  v.make_extra().constant_node = last_record_;
  define(scope, parts.outputs[0], v);
  return true;
}

void GraphReader::add_node(Scope& scope, const NodeParts& parts) {
  if (parts.op_type.empty()) bad_input("a node has no op_type");
  const OpSchema& op = ops_.resolve(parts.domain, parts.op_type);
  if (ctx_.constants_at_once && add_as_constant(scope, op, parts)) return;
  std::vector<Value*> inputs;
  inputs.reserve(parts.inputs.size());
  for (const std::string_view name : parts.inputs) {
    Value* v = name.empty() ? nullptr : find(scope, name);
    if (!v && !name.empty()) {
      if (!sort_nodes_) throw NodesNotSorted();
      bad_input(fmt::format("input '{}' is not made by any node, initializer or graph input", name));
    }
    inputs.push_back(v);
  }
  std::vector<PendingGraphs> graphs;
  Node& node = scope.graph.append(op, std::move(inputs), read_attributes(parts.attributes, ctx_, graphs), 0);
  node.name = parts.name;
  if (!parts.doc_string.empty() || !parts.overload.empty() || !parts.unknown.empty() || !parts.metadata.empty()) {
    NodeExtra& extra = node.make_extra();
    extra.doc_string = parts.doc_string;
    extra.overload = parts.overload;
    extra.unknown = parts.unknown;
    extra.metadata = parts.metadata;
  }
  if (!graphs.empty()) add_subgraphs(scope, node, graphs);
  for (const std::string_view name : parts.outputs) {
    if (name.empty()) {
      scope.graph.add_omitted_output(node);
      continue;
    }
    Value& v = scope.graph.add_node_output(node);
    v.set_name(std::string(name), true);
    define(scope, name, v);
  }
}

void GraphReader::add_nodes(Scope& scope, const Views& nodes) {
  if (scratch_.size() <= level_) scratch_.resize(level_ + 1);
  NodeParts& parts = scratch_[level_++];
  const auto add = [&](std::string_view message) {
    const DepthGuard guard(ctx_);
    read_node_parts(message, ctx_, parts);
    in_context([&] { return parts.label(); }, [&] { add_node(scope, parts); });
  };
  if (sort_nodes_)
    for (const std::size_t i : sorted_nodes(nodes, ctx_)) add(nodes[i]);
  else
    for (const std::string_view message : nodes) add(message);
  --level_;
}

void GraphReader::add_output(Scope& scope, std::string_view name, const ValueInfoParts* info) {
  if (name.empty()) bad_input(fmt::format("an output of graph '{}' has no name", scope.graph.name));
  Value* v = find(scope, name);
  if (!v) bad_input(fmt::format("output '{}' of graph '{}' is not made by any node, initializer or graph input", name, scope.graph.name));
  scope.graph.add_output(*v);
  if (!info || !says_something(*info)) return;
  const bool declared_elsewhere = v->graph() != &scope.graph || (v->extra() && v->extra()->has_declared);
  if (!declared_elsewhere) return declare(v->make_extra(), *info);
  auto extra = std::make_shared<ValueExtra>();
  declare(*extra, *info);
  scope.graph.output_notes.push_back({scope.graph.outputs().size() - 1, v, std::move(extra)});
}

void GraphReader::add_value_info(Scope& scope, std::string_view message) {
  const ValueInfoParts info = read_value_info(message, ctx_);
  if (Value* const* v = scope.names.find(info.name); v && says_something(info)) declare((*v)->make_extra(), info);  // what names nothing is stale
}

// `raw` is the whole field, tag included: what does not belong to a value stays with the graph.
void GraphReader::add_annotation(Scope& scope, std::string_view raw) {
  WireReader outer(raw, ctx_.base);
  WireField field;
  outer.next(field);
  std::string_view name;
  StringPairs pairs;
  bool plain = true;
  WireReader in(field.bytes, ctx_.base);
  for (WireField f; in.next(f);) {
    if (f.number == pb::annotation::tensor_name && f.is(WireType::bytes)) name = f.bytes;
    else if (f.number == pb::annotation::quant_parameter_tensor_names && f.is(WireType::bytes)) pairs.push_back(read_string_entry(f.bytes, ctx_));
    else plain = false;
  }
  Value* const* v = scope.names.find(name);
  if (plain && v && !pairs.empty() && (!(*v)->extra() || (*v)->extra()->quantization.empty())) (*v)->make_extra().quantization = std::move(pairs);
  else scope.graph.unknown.append(raw);
}

void GraphReader::read_graph(std::string_view message, Graph& into) { read_subgraph(message, into, nullptr); }

void GraphReader::read_subgraph(std::string_view message, Graph& into, const Scope* outer) {
  const DepthGuard guard(ctx_);
  GraphParts parts = read_graph_parts(message, ctx_);
  into.name = parts.name;
  into.doc_string = parts.doc_string;
  into.metadata = std::move(parts.metadata);
  into.unknown = std::move(parts.unknown);
  Scope scope{into, outer, {}};
  scope.names.reserve(parts.inputs.size() + parts.initializers.size() + parts.nodes.size());
  for (const std::string_view m : parts.inputs) add_input(scope, m);
  for (const std::string_view m : parts.initializers) add_initializer(scope, m);
  for (const std::string_view m : parts.sparse_initializers) add_sparse_initializer(scope, m);
  add_nodes(scope, parts.nodes);
  for (const std::string_view m : parts.outputs) {
    const ValueInfoParts info = read_value_info(m, ctx_);
    add_output(scope, info.name, &info);
  }
  for (const std::string_view m : parts.value_infos) add_value_info(scope, m);
  for (const std::string_view m : parts.annotations) add_annotation(scope, m);
}

void GraphReader::read_body(const FunctionParts& parts, Graph& into) {
  into.name = parts.name;
  Scope scope{into, nullptr, {}};
  for (const std::string_view name : parts.inputs) {
    if (name.empty()) bad_input("an input has no name");
    define(scope, name, into.add_input(std::string(name), Type()));
  }
  add_nodes(scope, parts.nodes);
  for (const std::string_view name : parts.outputs) add_output(scope, name, nullptr);
  for (const std::string_view m : parts.value_infos) add_value_info(scope, m);
}

}  // namespace onnxopt
