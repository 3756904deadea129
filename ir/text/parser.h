// Recursive-descent parser of the ONNX text syntax; builds the IR directly. Internal to ir/text; use parse_model().
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ir/core/model.h"
#include "ir/text/lexer.h"
#include "ir/text/notes.h"
#include "ir/text/tensor_text.h"
#include "ir/text/text.h"

namespace onnxopt::text {

// Names that are visible in a graph; views of the values' own names.
struct Scope {
  Scope* outer = nullptr;
  std::unordered_map<std::string_view, Value*> values;
  std::unordered_map<std::string, Type> declared;  // value_info of values that are not defined yet
  Value* find(std::string_view name) const {
    for (const Scope* s = this; s; s = s->outer)
      if (const auto it = s->values.find(name); it != s->values.end()) return it->second;
    return nullptr;
  }
};

// An attribute as parsed; graphs wait for their node.
struct ParsedAttribute {
  Attribute attribute;
  std::vector<std::shared_ptr<Graph>> graphs;
};
using ParsedAttributes = std::vector<ParsedAttribute>;

class Parser {
 public:
  Parser(std::string_view text, const ParseOptions& options, Model& model);
  void parse();

 private:
  // parser.cpp
  void model_header();
  void header_field(std::string_view key);
  std::vector<OpsetImport> opset_imports();
  StringPairs string_pairs();
  void function();
  void function_attributes(Function& f);
  void bind_function_calls();
  // parse_graph.cpp
  void graph(Graph& g, Scope* outer);
  void graph_inputs(Graph& g, Scope& scope);
  void graph_after_inputs(Graph& g, Scope& scope);
  void value_infos(Graph& g, Scope& scope);
  void initializer(Graph& g, Scope& scope, const Type& type, const std::string& name, std::size_t at);
  void define(Scope& scope, Value& v, std::size_t at);
  struct OutputName {
    std::string name;
    Type type;
    bool typed;
    std::size_t at;
  };
  std::vector<OutputName> graph_outputs();
  void connect_outputs(Graph& g, Scope& scope, const std::vector<OutputName>& names);
  void node_list(Graph& g, Scope& scope);
  void node(Graph& g, Scope& scope);
  void node_notes(Node& n);
  void id_list(std::vector<std::string>& names, std::vector<std::size_t>& at);
  const OpSchema& resolve(std::string_view domain, std::string_view name);
  void attach(Node& n, ParsedAttributes attributes);
  // parse_attribute.cpp
  ParsedAttributes attributes(Scope& scope);
  ParsedAttribute attribute(Scope& scope);
  void list_value(ParsedAttribute& a, AttrType& type, Scope& scope);
  void single_value(ParsedAttribute& a, AttrType& type, Scope& scope);
  void append_to_list(ParsedAttribute& list, ParsedAttribute&& item, AttrType item_type, std::size_t at);
  void number_value(ParsedAttribute& a, AttrType& type);
  void typed_value(ParsedAttribute& a, AttrType& type);
  SparseTensor sparse_tensor(const Type& type, std::string* name);
  // parse_type.cpp
  bool at_type();
  Type type();
  Type shaped(Type::Kind kind, DType dtype);
  Type opaque_type();
  Dims constant_dims(const Type& type, std::size_t at);

  struct Nesting {  // recursion bounded: a text of '(' must not overflow the stack
    explicit Nesting(Parser& p) : parser(p) {
      if (++p.depth_ > kMaxDepth) p.lex_.fail("nested too deeply");
    }
    ~Nesting() { --parser.depth_; }
    Parser& parser;
  };
  static constexpr int kMaxDepth = 100;

  Lexer lex_;
  const ParseOptions& options_;
  Model& model_;
  DataLimits limits_;
  std::vector<OpsetImport>* imports_ = nullptr;  // of the model or of the function being read
  bool has_ir_version_ = false;
  bool implicit_imports_ = false;  // no header: domains are imported when they are used
  std::unordered_map<std::string, const OpSchema*> resolved_;
  std::string opaque_bytes_;  // serialized TypeProto of the opaque type that type() just read
  int depth_ = 0;
};

}  // namespace onnxopt::text
