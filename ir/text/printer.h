// Prints models, functions and graphs. Internal to ir/text; use print_model() and print_graph().
#pragma once

#include <string>
#include <string_view>

#include "ir/core/model.h"
#include "ir/text/names.h"
#include "ir/text/notes.h"
#include "ir/text/tensor_text.h"
#include "ir/text/text.h"

namespace onnxopt::text {

void print_type(std::string& out, const Type& t, const SymbolTable& symbols, std::string_view opaque_bytes = {});
void print_id(std::string& out, std::string_view name);  // quoted where the grammar needs it

std::string attribute_value_text(const Attribute& a);  // "[1, 2]"; for messages: large constants elided

class Printer {
 public:
  Printer(const SymbolTable& symbols, const PrintOptions& options);
  void model(const Model& m);
  void graph(const Graph& g, const Names& names, std::string_view name);
  void attribute(const Attribute& a, const Names& names);
  std::string take() { return std::move(out_); }

 private:
  void header(const Model& m);
  void function(const Function& f);
  void opset_imports(const std::vector<OpsetImport>& imports);
  void inputs(const Graph& g, const Names& names);
  void outputs(const Graph& g, const Names& names);
  void signature_value(const Value& v, const Names& names, bool own);
  void value_infos(const Graph& g, const Names& names);
  const Type* listed_type(const Value& v) const;
  void constant(const Value& v, const Names& names);
  void body(const Graph& g, const Names& names, std::string_view printed_name);
  void graph_notes(const Graph& g, const Names& names, std::string_view printed_name);
  void constant_node(const Value& v, const Names& names);
  void node(const Node& n, const Names& names);
  void node_head(std::string_view name, std::string_view domain, std::string_view op, std::string_view overload, std::string_view outputs);
  // print_attribute.cpp
  void attributes(const Attrs& attrs, const Names& names);
  void attribute_list(const Attribute& a, const Names& names);
  void tensor(const Tensor& t);
  void sparse(const SparseTensor& t, std::string_view name);
  void subgraph(const Graph& g, const Names& names);
  void indent() { out_.append(indent_, ' '); }

  std::string out_;
  const SymbolTable& symbols_;
  PrintOptions options_;
  DataStyle style_;
  std::size_t indent_ = 0;
};

}  // namespace onnxopt::text
