#include "ir/io/deviations.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/io/fields.h"
#include "ir/io/graph_parts.h"
#include "ir/io/mapped_message.h"
#include "ir/io/name_table.h"
#include "ir/io/read_attribute.h"
#include "ir/io/read_tensor.h"

namespace onnxopt {
namespace {

constexpr std::int64_t kImportsFrom = 3;        // from this IR version on a model says its opsets; before it has none to say
constexpr std::int64_t kFreeConstantsFrom = 4;  // initializers need not be inputs

// Occurrences of one kind.
struct Places {
  std::size_t count = 0;
  std::string first;
  void add(std::string_view place) {
    if (count++ == 0) first = place;
  }
};

struct Scope {
  const Scope* outer;
  NameTable<char> names;
  bool has(std::string_view name) const { return names.find(name) || (outer && outer->has(name)); }
  void add(std::string_view name) { names.insert(name, 0); }
};

struct ModelFields {
  std::int64_t ir_version = 0;
  std::vector<OpsetImport> imports;
  std::string_view graph;
  Views functions;
};

ModelFields read_fields(std::string_view message, const ReadContext& ctx) {
  ModelFields r;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (f.number == pb::model::ir_version && f.is(WireType::varint)) r.ir_version = f.as_int();
    if (!f.is(WireType::bytes)) continue;
    if (f.number == pb::model::opset_import) r.imports.push_back(read_opset_import(f.bytes, ctx));
    else if (f.number == pb::model::graph) r.graph = f.bytes;
    else if (f.number == pb::model::functions) r.functions.push_back(f.bytes);
  }
  return r;
}

class Deviations {
 public:
  explicit Deviations(const ReadContext& ctx) : ctx_(ctx) {}

  std::vector<std::string> model(std::string_view message) {
    const ModelFields m = read_fields(message, ctx_);
    ir_version_ = m.ir_version;
    if (m.ir_version < 1) say("the model states no IR version");
    if (m.ir_version >= kImportsFrom && m.imports.empty()) say(fmt::format("the model imports no opset; IR version {} demands it", m.ir_version));
    if (m.ir_version >= 1 && m.ir_version < kImportsFrom && !m.imports.empty())
      say(fmt::format("the model imports an opset; IR version {} has no such field", m.ir_version));
    repeated(m.imports);
    main_graph(m.graph);
    for (const std::string_view f : m.functions) function(f);
    if (nameless_.count) say(fmt::format("{} without a name", nameless_.count == 1 ? "a graph is" : fmt::format("{} graphs are", nameless_.count)));
    say(shapeless_, "input or output", "states no shape", "inputs and outputs state no shape");
    say(unlisted_, "initializer", fmt::format("is not an input of its graph; IR version {} demands it, 4 and later do not", ir_version_),
        fmt::format("initializers are not inputs of their graph; IR version {} demands it, 4 and later do not", ir_version_));
    say(early_, "value", "is read by a node that stands before the one that makes it",
        "values are read by nodes that stand before those that make them");
    say(shadowing_, "value", "of an inner graph has the name of a value outside; onnx.checker refuses it",
        "values of inner graphs have the name of a value outside; onnx.checker refuses it");
    say(passed_on_, "value", "is an output of an inner graph and made outside of it; onnx.checker and ONNX Runtime refuse it",
        "values are outputs of an inner graph and made outside of it; onnx.checker and ONNX Runtime refuse it");
    say(untyped_, "attribute", "states no type; only IR version 1 allows it", "attributes state no type; only IR version 1 allows it");
    say(ambiguous_, "attribute", "has values of another type than it states", "attributes have values of another type than they state");
    say(importless_, "function", "imports no opset", "functions import no opset");
    say(same_outputs_, "function", "has two outputs of one name", "functions have two outputs of one name");
    return std::move(lines_);
  }

 private:
  void say(std::string line) { lines_.push_back(std::move(line)); }
  void say(const Places& p, const char* what, const std::string& one, const std::string& many) {
    if (p.count == 1) say(fmt::format("{} '{}' {}", what, p.first, one));
    if (p.count > 1) say(fmt::format("{} {}; the first is '{}'", p.count, many, p.first));
  }

  void repeated(const std::vector<OpsetImport>& imports) {
    for (auto i = imports.begin(); i != imports.end(); ++i) {
      const auto same = [&](const OpsetImport& o) { return o.domain == i->domain; };
      if (std::any_of(imports.begin(), i, same)) continue;
      const OpsetImport& last = *std::find_if(imports.rbegin(), imports.rend(), same);
      const auto count = std::count_if(i, imports.end(), same);
      if (count > 1) say(fmt::format("the model imports domain '{}' {} times; the last import holds, version {}", i->domain, count, last.version));
    }
  }

  void main_graph(std::string_view message) {
    const GraphParts parts = read_graph_parts(message, ctx_);
    for (const Views* side : {&parts.inputs, &parts.outputs})
      for (const std::string_view m : *side)
        if (const ValueInfoParts info = read_value_info(m, ctx_); !info.has_type || lacks_shape(info.type)) shapeless_.add(info.name);
    graph(parts, nullptr);
  }

  // Of tensors only.
  bool lacks_shape(std::string_view type) const {
    WireReader in(type, ctx_.base);
    for (WireField f; in.next(f);) {
      if (!f.is(WireType::bytes) || (f.number != pb::type::tensor_type && f.number != pb::type::sparse_tensor_type)) continue;
      bool has_shape = false;
      WireReader tensor(f.bytes, ctx_.base);
      for (WireField t; tensor.next(t);) has_shape |= t.number == pb::tensor_type::shape;
      return !has_shape;
    }
    return false;
  }

  void graph(const GraphParts& parts, const Scope* outer) {
    const DepthGuard guard(ctx_);
    if (parts.name.empty()) nameless_.add("");
    Scope scope{outer, {}};
    scope.names.reserve(parts.inputs.size() + parts.initializers.size() + parts.nodes.size());
    for (const std::string_view m : parts.inputs) scope.add(read_value_info(m, ctx_).name);
    for (const std::string_view m : parts.initializers) {
      std::string_view name;
      read_tensor(m, ctx_, &name);
      if (ir_version_ >= 1 && ir_version_ < kFreeConstantsFrom && !scope.names.find(name)) unlisted_.add(name);
      scope.add(name);
    }
    std::vector<SparseTensor> sparse;  // the scope holds views of their names
    sparse.reserve(parts.sparse_initializers.size());
    for (const std::string_view m : parts.sparse_initializers) {
      sparse.push_back(read_sparse_tensor(m, ctx_));
      if (sparse.back().values.notes()) scope.add(sparse.back().values.notes()->name);
    }
    nodes(parts.nodes, scope);
    if (outer)
      for (const std::string_view m : parts.outputs)
        if (const std::string_view name = read_value_info(m, ctx_).name; !scope.names.find(name) && outer->has(name)) passed_on_.add(name);
  }

  void function(std::string_view message) {
    const FunctionParts parts = read_function_parts(message, ctx_);
    Scope scope{nullptr, {}};
    for (const std::string_view name : parts.inputs) scope.add(name);
    if (parts.opsets.empty()) importless_.add(parts.name);
    for (auto i = parts.outputs.begin(); i != parts.outputs.end(); ++i)
      if (std::find(parts.outputs.begin(), i, *i) != i) same_outputs_.add(parts.name);
    nodes(parts.nodes, scope);
  }

  void nodes(const Views& messages, Scope& scope) {
    NodeParts node;
    for (const std::string_view message : messages) {
      read_node_parts(message, ctx_, node);
      for (const std::string_view name : node.inputs)
        if (!name.empty() && !scope.has(name)) early_.add(name);
      std::vector<PendingGraphs> graphs;
      attributes(read_attributes(node.attributes, ctx_, graphs), node.attributes);
      for (const PendingGraphs& p : graphs)
        for (const std::string_view inner : p.messages) graph(read_graph_parts(inner, ctx_), &scope);
      for (const std::string_view name : node.outputs)
        if (!name.empty()) {
          if (scope.outer && scope.outer->has(name)) shadowing_.add(name);
          scope.add(name);
        }
    }
  }

  // The first ONNX files state no types.
  void attributes(const Attrs& attrs, const Views& messages) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      bool typed = ir_version_ < 2;
      WireReader in(messages[i], ctx_.base);
      for (WireField f; in.next(f);) typed |= f.number == pb::attribute::type;
      const Attribute& a = *(attrs.begin() + static_cast<std::ptrdiff_t>(i));
      if (!typed) untyped_.add(a.name);
      if (!a.extra) continue;
      bool other = false;
      WireReader unknown(a.extra->unknown, a.extra->unknown.data());
      for (WireField f; unknown.next(f);)
        other |= (f.number >= pb::attribute::f && f.number <= pb::attribute::graphs) || f.number == pb::attribute::sparse_tensor ||
                 f.number == pb::attribute::sparse_tensors;
      if (other) ambiguous_.add(a.name);
    }
  }

  const ReadContext& ctx_;
  std::int64_t ir_version_ = 0;
  Places nameless_, shapeless_, unlisted_, early_, shadowing_, passed_on_, untyped_, ambiguous_, importless_, same_outputs_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> deviations(const std::filesystem::path& file) {
  const MappedMessage message(file);
  return Deviations(message.context()).model(message.bytes());
}

}  // namespace onnxopt
