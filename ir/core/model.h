// Model: everything an .onnx file holds. Fields that this version does not know are kept serialized in `unknown`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ir/core/graph.h"
#include "ir/core/symbol.h"

namespace onnxopt {

struct OpsetImport {
  std::string domain;
  std::int64_t version;
};  // domain "" is ai.onnx

struct Function {
  std::string domain, name, overload, doc_string, unknown;
  Strings attributes;                    // declared attributes without default
  Attrs attribute_defaults;              // attribute_proto
  std::vector<OpsetImport> opsets;       // the body's own imports
  std::vector<OpsetImport> file_opsets;  // as in the file, to be restored; `opsets` is what the body is at now
  StringPairs metadata;
  std::unique_ptr<Graph> body;  // inputs() and outputs() are the function's
};

class Model {
 public:
  Model();
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  std::int64_t ir_version = 0;
  std::vector<OpsetImport> opsets;       // what the nodes are at now (after lifting: the newest)
  std::vector<OpsetImport> file_opsets;  // as the file imports them, in order; empty: the file has none (read as opset 1)
  std::string producer_name, producer_version, domain, doc_string;
  std::int64_t model_version = 0;
  bool has_model_version = false;
  StringPairs metadata;
  std::string training_info;  // serialized training_info fields, tags included
  std::string configuration;  // serialized multi-device configuration fields, tags included
  std::string unknown;
  std::vector<std::unique_ptr<Function>> functions;

  Graph& graph() { return *graph_; }
  const Graph& graph() const { return *graph_; }
  SymbolTable& symbols() { return symbols_; }
  const SymbolTable& symbols() const { return symbols_; }
  std::int64_t opset(std::string_view op_domain) const;  // of `opsets`; 0 if not imported
  Function* find_function(std::string_view op_domain, std::string_view name, std::string_view overload = "") const;
  Function* function_of(const Node& n) const;  // the local function that `n` calls; null: none
  // An opaque row for an operator outside the table; equal arguments give the same row.
  const OpSchema& opaque_op(std::string_view op_domain, std::string_view name, int version);
  std::uint32_t next_id() { return next_id_++; }  // of nodes and values, all graphs together
  // Frees what erased nodes and values hold (the objects themselves stay as tombstones).
  void collect();
  // Main graph and function bodies (their subgraphs not included).
  std::vector<Graph*> root_graphs();

 private:
  friend class Graph;
  struct OpaqueRow;
  Arena<Node> nodes_;
  Arena<Value> values_;
  std::vector<Node*> erased_nodes_;
  std::vector<Value*> erased_values_;
  SymbolTable symbols_;
  std::vector<std::unique_ptr<OpaqueRow>> opaque_;
  std::uint32_t next_id_ = 1;
  std::unique_ptr<Graph> graph_;
};

}  // namespace onnxopt
