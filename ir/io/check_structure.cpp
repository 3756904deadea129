#include "ir/io/check_structure.h"

#include <fmt/format.h>

#include <deque>

#include "ir/io/fields.h"
#include "ir/io/graph_parts.h"
#include "ir/io/mapped_message.h"
#include "ir/io/name_table.h"
#include "ir/io/read_attribute.h"
#include "ir/io/read_tensor.h"
#include "ir/io/type_codec.h"

namespace onnxopt {
namespace {

enum class Maker : char { input, constant, node };

struct Scope {
  const Scope* outer;
  NameTable<Maker> names;
};

class StructureCheck {
 public:
  explicit StructureCheck(const ReadContext& ctx) : ctx_(ctx) {}

  void model(std::string_view message) {
    bool has_graph = false;
    WireReader in(message, ctx_.base);
    for (WireField f; in.next(f);) {
      if (!f.is(WireType::bytes)) continue;
      if (f.number == pb::model::graph) {
        once(has_graph, "graph of the model");
        graph(f.bytes, nullptr);
      } else if (f.number == pb::model::functions) function(f.bytes);
      else if (f.number == pb::model::opset_import) read_opset_import(f.bytes, ctx_);
      else if (f.number == pb::model::metadata_props) read_string_entry(f.bytes, ctx_);
    }
    if (!has_graph) bad_input("the model holds no graph");
  }

 private:
  void graph(std::string_view message, const Scope* outer) {
    const DepthGuard guard(ctx_);
    const GraphParts parts = read_graph_parts(message, ctx_);
    Scope scope{outer, {}};
    scope.names.reserve(parts.inputs.size() + parts.initializers.size() + parts.nodes.size());
    for (const std::string_view m : parts.inputs) define(scope, value_info(m), Maker::input);
    for (const std::string_view m : parts.initializers) initializer(scope, m);
    for (const std::string_view m : parts.sparse_initializers) {
      const SparseTensor sparse = read_sparse_tensor(m, ctx_);
      sparse_.push_back(sparse);  // the table holds views of its name
      define_default(scope, sparse.values.notes() ? std::string_view(sparse_.back().values.notes()->name) : std::string_view());
    }
    nodes(scope, parts.nodes);
    for (const std::string_view m : parts.outputs) require(scope, value_info(m));
    for (const std::string_view m : parts.value_infos) value_info(m);
  }

  void function(std::string_view message) {
    const FunctionParts parts = read_function_parts(message, ctx_);
    if (parts.name.empty()) bad_input("a function has no name");
    Scope scope{nullptr, {}};
    for (const std::string_view name : parts.inputs) define(scope, name, Maker::input);
    nodes(scope, parts.nodes);
    for (const std::string_view name : parts.outputs) require(scope, name);
    for (const std::string_view m : parts.value_infos) value_info(m);
  }

  void nodes(Scope& scope, const Views& messages) {
    NodeParts parts;
    for (const std::string_view message : messages) {
      const DepthGuard guard(ctx_);
      read_node_parts(message, ctx_, parts);
      in_context([&] { return parts.label(); }, [&] { node(scope, parts); });
    }
  }

  void node(Scope& scope, const NodeParts& parts) {
    if (parts.op_type.empty()) bad_input("a node has no op_type");
    for (const std::string_view name : parts.inputs)
      if (!name.empty()) require(scope, name);
    std::vector<PendingGraphs> graphs;
    read_attributes(parts.attributes, ctx_, graphs);
    for (const PendingGraphs& p : graphs)
      for (const std::string_view message : p.messages) graph(message, &scope);
    for (const std::string_view name : parts.outputs)
      if (!name.empty()) define(scope, name, Maker::node);
  }

  std::string_view value_info(std::string_view message) {
    const ValueInfoParts info = read_value_info(message, ctx_);
    TypeNotes notes;
    if (info.has_type) read_type(info.type, ctx_, notes);
    return info.name;
  }

  void initializer(Scope& scope, std::string_view message) {
    std::string_view name;
    read_tensor(message, ctx_, &name);
    define_default(scope, name);
  }

  static void define_default(Scope& scope, std::string_view name) {
    if (const Maker* known = scope.names.find(name); known && *known == Maker::input) return;  // an input with a default value
    define(scope, name, Maker::constant);
  }

  static void define(Scope& scope, std::string_view name, Maker maker) {
    if (name.empty()) bad_input("a value has no name");
    if (!scope.names.insert(name, maker)) bad_input(fmt::format("value '{}' is defined twice", name));
  }

  static void require(const Scope& scope, std::string_view name) {
    for (const Scope* s = &scope; s; s = s->outer)
      if (s->names.find(name)) return;
    bad_input(fmt::format("value '{}' is not made by any node, initializer or graph input before it is read", name));
  }

  const ReadContext& ctx_;
  std::deque<SparseTensor> sparse_;
};

}  // namespace

void check_structure(const std::filesystem::path& file) {
  const MappedMessage message(file);
  StructureCheck(message.context()).model(message.bytes());
}

}  // namespace onnxopt
