#include <fmt/format.h>

#include "ir/ops/op_table.h"
#include "ir/text/parser.h"

namespace onnxopt::text {

void Parser::define(Scope& scope, Value& v, std::size_t at) {
  if (!scope.values.emplace(v.name(), &v).second) lex_.fail_at(at, fmt::format("'{}' is defined twice", v.name()));
}

// name (inputs) => (outputs) <initializers and value infos> { nodes }
void Parser::graph(Graph& g, Scope* outer) {
  Scope scope;
  scope.outer = outer;
  g.name = lex_.quotable_id("the name of a graph");
  graph_inputs(g, scope);
  graph_after_inputs(g, scope);
}

void Parser::graph_inputs(Graph& g, Scope& scope) {
  lex_.expect('(', "before the inputs");
  if (lex_.accept(')')) return;
  do {
    Type t;
    opaque_bytes_.clear();
    const std::size_t at = lex_.pos();
    const bool typed = at_type();
    if (typed) t = type();
    Value& v = g.add_input(lex_.quotable_id("the name of an input"), g.function() ? Type() : t);  // bodies are polymorphic
    if (typed) {
      v.make_extra().declared = t;
      v.make_extra().has_declared = true;
      if (t.kind == Type::Kind::opaque) v.make_extra().opaque_type = opaque_bytes_;
    }
    define(scope, v, at);
    if (lex_.accept('=')) {
      g.set_constant(v, parse_tensor_data(lex_, t.dtype, constant_dims(t, at), limits_));
    }
  } while (lex_.accept(','));
  lex_.expect(')', "after the inputs");
}

void Parser::graph_after_inputs(Graph& g, Scope& scope) {
  lex_.expect_arrow();
  const std::vector<OutputName> outputs = graph_outputs();
  for (const OutputName& o : outputs)
    if (o.typed) scope.declared[o.name] = o.type;
  value_infos(g, scope);
  node_list(g, scope);
  connect_outputs(g, scope, outputs);
}

std::vector<Parser::OutputName> Parser::graph_outputs() {
  std::vector<OutputName> r;
  lex_.expect('(', "before the outputs");
  if (lex_.accept(')')) return r;
  do {
    OutputName o{{}, {}, at_type(), lex_.pos()};
    if (o.typed) o.type = type();
    o.name = lex_.quotable_id("the name of an output");
    r.push_back(std::move(o));
  } while (lex_.accept(','));
  lex_.expect(')', "after the outputs");
  return r;
}

// <type name, type name = data, ...>: value_info and initializers
void Parser::value_infos(Graph& g, Scope& scope) {
  if (!lex_.accept('<')) return;
  if (lex_.accept('>')) return;
  do {
    const std::size_t at = lex_.pos();
    Type t;
    const bool typed = at_type();
    if (typed) t = type();
    std::string name = lex_.quotable_id("the name of a value");
    if (lex_.accept('=')) initializer(g, scope, t, name, at);
    else if (typed) {
      if (const auto it = scope.values.find(name); it != scope.values.end()) {  // an initializer's or input's value_info
        it->second->make_extra().declared = t;
        it->second->make_extra().has_declared = true;
      } else {
        scope.declared[std::move(name)] = t;
      }
    }
  } while (lex_.accept(','));
  lex_.expect('>', "after the initializers");
}

void Parser::initializer(Graph& g, Scope& scope, const Type& type, const std::string& name, std::size_t at) {
  if (type.kind == Type::Kind::sparse_tensor) {
    // As the reader of files has it: a Constant node, and the note that it goes back as an initializer.
    std::string values_name = name;  // a SparseTensorProto is named by its values
    auto sparse = std::make_shared<const SparseTensor>(sparse_tensor(type, &values_name));
    Node& constant = g.append(op("Constant"), {}, Attrs{{"sparse_value", *sparse}}, 1);
    Value& v = *constant.output();
    v.set_name(name, true);
    v.make_extra().sparse = std::move(sparse);
    return define(scope, v, at);
  }
  Tensor data = parse_tensor_data(lex_, type.dtype, constant_dims(type, at), limits_);
  if (const auto it = scope.values.find(name); it != scope.values.end()) {  // also listed as an input
    if (!it->second->is_graph_input() || it->second->constant()) lex_.fail_at(at, fmt::format("'{}' is defined twice", name));
    g.set_constant(*it->second, std::move(data));
    return;
  }
  Value& v = g.add_constant(name, std::move(data));
  v.set_name(name, true);
  if (const auto it = scope.declared.find(name); it != scope.declared.end()) {
    v.make_extra().declared = it->second;
    v.make_extra().has_declared = true;
  }
  define(scope, v, at);
}

void Parser::connect_outputs(Graph& g, Scope& scope, const std::vector<OutputName>& names) {
  for (const OutputName& o : names) {
    Value* v = scope.find(o.name);
    if (!v) lex_.fail_at(o.at, fmt::format("output '{}' is not defined in the graph", o.name));
    if (o.typed && v->graph() == &g) {
      v->make_extra().declared = o.type;
      v->make_extra().has_declared = true;
    }
    g.add_output(*v);
  }
}

void Parser::node_list(Graph& g, Scope& scope) {
  lex_.expect('{', "before the nodes");
  std::vector<std::pair<Note, std::size_t>> value_notes;  // until their values are defined
  for (const NoteLine& line : lex_.take_notes()) {
    Note note = read_note(line, lex_);
    if (note.words[0] == "value") value_notes.emplace_back(std::move(note), line.pos);
    else apply_graph_note(g, note, lex_);
  }
  while (!lex_.accept('}')) node(g, scope);
  for (const auto& [note, at] : value_notes) {
    const auto it = scope.values.find(note.at(1, lex_));
    if (it == scope.values.end()) lex_.fail_at(at, fmt::format("note on '{}', which this graph does not define", note.words[1]));
    apply_value_note(*it->second, note, 2, lex_);
  }
}

// ids, possibly empty: `a, , b` and `a, "", b` are the same; a trailing comma adds nothing.
void Parser::id_list(std::vector<std::string>& names, std::vector<std::size_t>& at) {
  names.clear();
  at.clear();
  while (true) {
    const std::size_t here = lex_.pos();
    if (lex_.at_quotable_id()) names.push_back(lex_.quotable_id("a name"));
    else if (lex_.peek() == ',') names.emplace_back();
    else return;
    at.push_back(here);
    if (!lex_.accept(',')) return;
  }
}

// ["name"] outputs = domain.Op:overload <attributes> (inputs) <attributes>
void Parser::node(Graph& g, Scope& scope) {
  std::string node_name, overload;
  if (lex_.accept('[')) {
    if (lex_.at_quotable_id()) node_name = lex_.quotable_id("a node name");
    lex_.expect(']', "after the node name");
  }
  std::vector<std::string> outputs, inputs;
  std::vector<std::size_t> outputs_at, inputs_at;
  id_list(outputs, outputs_at);
  lex_.expect('=', "between outputs and operator");
  std::string domain, op = lex_.quotable_id("an operator");
  while (lex_.accept('.')) {
    if (!domain.empty()) domain += '.';
    domain += op;
    op = lex_.quotable_id("an operator after its domain");
  }
  if (lex_.accept(':')) overload = lex_.quotable_id("an overload");
  ParsedAttributes attrs = attributes(scope);
  lex_.expect('(', fmt::format("before the inputs of {}", op));
  id_list(inputs, inputs_at);
  lex_.expect(')', fmt::format("after the inputs of {}", op));
  if (attrs.empty()) attrs = attributes(scope);

  std::vector<Value*> values;
  values.reserve(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Value* v = inputs[i].empty() ? nullptr : scope.find(inputs[i]);
    if (!v && !inputs[i].empty()) lex_.fail_at(inputs_at[i], fmt::format("'{}' is not defined before this node", inputs[i]));
    values.push_back(v);
  }
  Node& n = g.append(resolve(domain, op), std::move(values), {}, 0);
  n.name = std::move(node_name);
  if (!overload.empty()) n.make_extra().overload = std::move(overload);
  attach(n, std::move(attrs));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].empty()) {
      g.add_omitted_output(n);
      continue;
    }
    Value& v = g.add_node_output(n);
    v.set_name(std::move(outputs[i]), true);
    if (!scope.declared.empty())
      if (const auto it = scope.declared.find(v.name()); it != scope.declared.end()) {
        v.make_extra().declared = it->second;
        v.make_extra().has_declared = true;
      }
    define(scope, v, outputs_at[i]);
  }
  node_notes(n);
}

void Parser::node_notes(Node& n) {
  for (const NoteLine& line : lex_.take_notes()) apply_node_note(n, read_note(line, lex_), lex_);
}

void Parser::attach(Node& n, ParsedAttributes attributes) {
  for (ParsedAttribute& p : attributes) {
    std::string name = p.attribute.name;
    n.mutable_attrs().add(std::move(p.attribute));
    for (auto& sub : p.graphs) n.graph()->adopt_subgraph(n, name, std::move(sub));
  }
}

const OpSchema& Parser::resolve(std::string_view domain, std::string_view name) {
  std::string key = fmt::format("{}\n{}", domain, name);
  if (const auto it = resolved_.find(key); it != resolved_.end()) return *it->second;
  const std::string_view canonical = canonical_domain(domain);
  std::int64_t version = -1;
  for (const OpsetImport& o : *imports_)
    if (canonical_domain(o.domain) == canonical) version = o.version;
  if (version < 0 && implicit_imports_) {
    const int newest = newest_opset(canonical);
    version = canonical.empty() ? options_.default_opset : newest > 0 ? newest : 1;
    imports_->push_back({std::string(canonical), version});
  }
  if (version <= 0) version = unimported_version(canonical);
  const OpSchema* row = find_op(canonical, name, static_cast<int>(version));
  if (!row) row = &model_.opaque_op(canonical, name, static_cast<int>(version));
  resolved_.emplace(std::move(key), row);
  return *row;
}

}  // namespace onnxopt::text
