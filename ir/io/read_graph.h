// GraphProto and FunctionProto bodies to Graph. Internal to ir/io.
#pragma once

#include <deque>
#include <string_view>

#include "ir/core/model.h"
#include "ir/io/graph_parts.h"
#include "ir/io/name_table.h"
#include "ir/io/op_resolver.h"
#include "ir/io/read_attribute.h"
#include "ir/io/read_context.h"

namespace onnxopt {

// Thrown when a node reads a value that no earlier node has made: the file is read once more with `sort_nodes`, which finds the order of the nodes
// before it builds them, and which tells missing values and cycles apart.
struct NodesNotSorted {};

class GraphReader {
 public:
  GraphReader(const ReadContext& ctx, Model& model, OpResolver& ops, bool sort_nodes)
      : ctx_(ctx), model_(model), ops_(ops), sort_nodes_(sort_nodes) {}
  void read_graph(std::string_view message, Graph& into);
  // The body of a function; its inputs and outputs have names only.
  void read_body(const FunctionParts& parts, Graph& into);

 private:
  struct Scope {
    Graph& graph;
    const Scope* outer;
    NameTable<Value*> names;
  };
  void read_subgraph(std::string_view message, Graph& into, const Scope* outer);
  void add_input(Scope& scope, std::string_view message);
  void add_initializer(Scope& scope, std::string_view message);
  void add_sparse_initializer(Scope& scope, std::string_view message);
  void add_nodes(Scope& scope, const Views& nodes);
  void add_node(Scope& scope, const NodeParts& parts);
  bool add_as_constant(Scope& scope, const OpSchema& op, const NodeParts& parts);
  void add_subgraphs(Scope& scope, Node& node, std::vector<PendingGraphs>& graphs);
  void add_output(Scope& scope, std::string_view name, const ValueInfoParts* info);
  void add_value_info(Scope& scope, std::string_view message);
  void add_annotation(Scope& scope, std::string_view raw);
  void declare(ValueExtra& extra, const ValueInfoParts& info) const;
  void define(Scope& scope, std::string_view name, Value& value);
  static void refuse_ambiguous_names(const Scope& scope, const Node& node);
  static Value* find(const Scope& scope, std::string_view name);

  const ReadContext& ctx_;
  Model& model_;
  OpResolver& ops_;
  bool sort_nodes_;
  std::deque<NodeParts> scratch_;  // one a nesting level, reused from node to node
  std::size_t level_ = 0;
  std::shared_ptr<const ConstantNodeRecord> last_record_;  // most Constant nodes of a file say nothing but their value, and share one
};

// Order in which the nodes can be built, stable; Error names a node on a cycle.
std::vector<std::size_t> sorted_nodes(const Views& nodes, const ReadContext& ctx);

}  // namespace onnxopt
