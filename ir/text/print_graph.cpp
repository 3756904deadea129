#include <fmt/format.h>

#include "ir/text/printer.h"

namespace onnxopt::text {
namespace {

bool is_qualified(std::string_view domain) {
  while (true) {
    const std::size_t dot = domain.find('.');
    if (!is_identifier(domain.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

// Function bodies have no initializers in the file, and a constant with a record was a Constant node.
bool is_constant_node(const Graph& g, const Value& v) { return g.function() || (v.extra() && v.extra()->constant_node); }

// The reader of files puts a Constant node where the file has a sparse initializer.
bool is_sparse_initializer(const Node& n) { return n.is("Constant") && n.output() && n.output()->extra() && n.output()->extra()->sparse; }

// The attribute of a Constant node of which `t` is the value.
Attribute constant_attribute(const Tensor& t, const std::string& spelling) {
  const auto floats = [&] { return t.data<float>(); };
  const auto ints = [&] { return t.data<std::int64_t>(); };
  const bool one = t.size() == 1 && t.rank() == 0;
  if (spelling == "value_float" && t.dtype() == DType::float32 && one) return {spelling, floats()[0]};
  if (spelling == "value_int" && t.dtype() == DType::int64 && one) return {spelling, ints()[0]};
  if (spelling == "value_string" && t.dtype() == DType::string && one) return {spelling, t.strings()[0]};
  if (spelling == "value_floats" && t.dtype() == DType::float32 && t.rank() == 1) return {spelling, Floats(floats().begin(), floats().end())};
  if (spelling == "value_ints" && t.dtype() == DType::int64 && t.rank() == 1) return {spelling, Ints(ints().begin(), ints().end())};
  if (spelling == "value_strings" && t.dtype() == DType::string && t.rank() == 1) return {spelling, Strings(t.strings().begin(), t.strings().end())};
  return {"value", t};
}

}  // namespace

void Printer::graph(const Graph& g, const Names& names, std::string_view name) {
  print_id(out_, name);
  out_ += ' ';
  body(g, names, name);
}

// (inputs) => (outputs) <...> {...}
void Printer::body(const Graph& g, const Names& names, std::string_view printed_name) {
  inputs(g, names);
  out_ += " => ";
  outputs(g, names);
  value_infos(g, names);
  out_ += " {\n";
  indent_ += 2;
  graph_notes(g, names, printed_name);
  for (Value* v : g.constants())
    if (!v->is_graph_input() && is_constant_node(g, *v)) constant_node(*v, names);
  for (Node& n : g.nodes())
    if (!is_sparse_initializer(n)) node(n, names);
  indent_ -= 2;
  indent();
  out_ += '}';
}

void Printer::inputs(const Graph& g, const Names& names) {
  out_ += '(';
  for (std::size_t i = 0; i < g.inputs().size(); ++i) {
    if (i) out_ += ", ";
    signature_value(*g.inputs()[i], names, true);
  }
  out_ += ')';
}

void Printer::outputs(const Graph& g, const Names& names) {
  out_ += '(';
  for (std::size_t i = 0; i < g.outputs().size(); ++i) {
    if (i) out_ += ", ";
    signature_value(*g.outputs()[i], names, g.outputs()[i]->graph() == &g);
  }
  out_ += ')';
}

// type name; the type that the file declares, else what inference knows. `own` false: an outer value that a subgraph lists as output.
void Printer::signature_value(const Value& v, const Names& names, bool own) {
  const bool declared = v.extra() && v.extra()->has_declared;
  const Type& type = declared ? v.extra()->declared : v.type;
  const bool show = own && type.kind != Type::Kind::unknown && (declared || !v.graph()->function());
  if (show) {
    print_type(out_, type, symbols_, v.extra() ? std::string_view(v.extra()->opaque_type) : std::string_view());
    out_ += ' ';
  }
  print_id(out_, names.of(v));
}

// Type that the <...> list shows for an inner value; null: none.
const Type* Printer::listed_type(const Value& v) const {
  if (options_.types && v.type.kind != Type::Kind::unknown && v.producer()) return &v.type;
  const bool declared = v.extra() && v.extra()->has_declared && v.extra()->declared.kind != Type::Kind::unknown;
  return declared && (options_.full || options_.types) ? &v.extra()->declared : nullptr;
}

void Printer::value_infos(const Graph& g, const Names& names) {
  bool any = false;
  const auto next = [&] {
    out_ += any ? ",\n" : "\n";
    if (!any) {
      indent();
      out_ += "<\n";
    }
    any = true;
    indent();
    out_ += "  ";
  };
  for (Value* v : g.constants()) {
    if (is_constant_node(g, *v) && !v->is_graph_input()) continue;
    next();
    constant(*v, names);
  }
  for (Node& n : g.nodes())
    if (is_sparse_initializer(n)) {
      next();
      sparse(*n.output()->extra()->sparse, names.of(*n.output()));
    }
  g.for_each_value([&](Value& v) {
    if (v.is_graph_input() || v.is_graph_output()) return;
    const Type* type = listed_type(v);
    if (!type) return;
    next();
    print_type(out_, *type, symbols_, v.extra() ? std::string_view(v.extra()->opaque_type) : std::string_view());
    out_ += ' ';
    print_id(out_, names.of(v));
  });
  if (!any) return;
  out_ += '\n';
  indent();
  out_ += '>';
}

void Printer::constant(const Value& v, const Names& names) {
  const Tensor& t = *v.constant();
  print_type(out_, Type::tensor(t.dtype(), t.dims()), symbols_);
  out_ += ' ';
  print_id(out_, names.of(v));
  out_ += " = ";
  print_tensor_data(out_, t, style_);
}

// Notes stand first, so that they belong to no node.
void Printer::graph_notes(const Graph& g, const Names& names, std::string_view printed_name) {
  NoteWriter notes(out_, indent_);
  if (printed_name != g.name) notes.always("name", g.name);
  if (!options_.full) return;
  notes.text("doc_string", g.doc_string);
  notes.pairs("metadata", g.metadata);
  notes.bytes("unknown", g.unknown);
  g.for_each_value([&](Value& v) {
    if (v.extra() || (v.constant() && v.constant()->notes())) write_value_notes(notes.within("value " + NoteWriter::quoted(names.of(v)) + " "), v);
  });
}

void Printer::node_head(std::string_view name, std::string_view domain, std::string_view op, std::string_view overload, std::string_view outputs) {
  indent();
  if (!name.empty()) {
    out_ += '[';
    print_id(out_, name);
    out_ += "] ";
  }
  out_ += outputs;
  out_ += outputs.empty() ? "= " : " = ";
  if (!domain.empty()) {
    if (is_qualified(domain)) out_ += domain;
    else print_quoted(out_, domain);
    out_ += '.';
  }
  if (is_identifier(op)) out_ += op;
  else print_quoted(out_, op);
  if (!overload.empty()) {
    out_ += ':';
    if (is_identifier(overload)) out_ += overload;
    else print_quoted(out_, overload);
  }
}

void Printer::constant_node(const Value& v, const Names& names) {
  const ConstantNodeRecord* record = v.extra() ? v.extra()->constant_node.get() : nullptr;
  std::string output;
  print_id(output, names.of(v));
  node_head(record ? record->node_name : "", "", "Constant", record ? record->overload : "", output);
  const Attribute a = constant_attribute(*v.constant(), record ? record->attr_name : "value");
  attributes(Attrs{a}, names);
  out_ += " ()\n";
  if (!options_.full || !record) return;
  NoteWriter notes(out_, indent_ + 2);
  notes.text("doc_string", record->doc_string);
  notes.pairs("metadata", record->metadata);
  notes.bytes("unknown", record->unknown);
  write_attribute_notes(notes.within("attribute " + NoteWriter::quoted(a.name) + " "), a);
}

void Printer::node(const Node& n, const Names& names) {
  std::string ids;
  for (std::size_t i = 0; i < n.outputs().size(); ++i) {
    if (i) ids += ", ";
    print_id(ids, n.outputs()[i] ? names.of(*n.outputs()[i]) : std::string_view());
  }
  node_head(n.name, n.op().domain, n.op().name, n.extra() ? std::string_view(n.extra()->overload) : std::string_view(), ids);
  const bool graphs = !n.subgraphs().empty();
  if (!graphs) attributes(n.attrs(), names);
  out_ += " (";
  for (std::size_t i = 0; i < n.inputs().size(); ++i) {
    if (i) out_ += ", ";
    print_id(out_, n.inputs()[i] ? names.of(*n.inputs()[i]) : std::string_view());
  }
  out_ += ')';
  if (graphs) attributes(n.attrs(), names);
  out_ += '\n';
  if (!options_.full) return;
  NoteWriter notes(out_, indent_ + 2);
  if (n.extra()) {
    notes.text("doc_string", n.extra()->doc_string);
    notes.pairs("metadata", n.extra()->metadata);
    notes.bytes("unknown", n.extra()->unknown);
  }
  for (const Attribute& a : n.attrs()) write_attribute_notes(notes.within("attribute " + NoteWriter::quoted(a.name) + " "), a);
}

}  // namespace onnxopt::text
