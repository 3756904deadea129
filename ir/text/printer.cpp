#include "ir/text/printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "ir/ops/op_table.h"

namespace onnxopt {
namespace text {
namespace {

constexpr std::uint64_t kRawAbove = 256;  // elements; beyond that nobody reads the digits and base64 is smaller and faster
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

bool is_type_word(std::string_view s) {
  constexpr std::array<std::string_view, 6> kWords = {"seq", "map", "optional", "sparse_tensor", "opaque", "undefined"};
  return std::find(kWords.begin(), kWords.end(), s) != kWords.end() || dtype_from_name(s) != DType::undefined;
}

bool same_imports(const std::vector<OpsetImport>& a, const std::vector<OpsetImport>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const OpsetImport& x, const OpsetImport& y) {
    return canonical_domain(x.domain) == canonical_domain(y.domain) && x.version == y.version;
  });
}

// The file's own spelling while the nodes still are what the file has.
const std::vector<OpsetImport>& imports_to_print(const std::vector<OpsetImport>& now, const std::vector<OpsetImport>& file) {
  const bool none_in_file = file.empty() && now.size() == 1 && canonical_domain(now[0].domain).empty() && now[0].version == 1;
  return none_in_file || same_imports(now, file) ? file : now;
}

}  // namespace

bool is_plain_id(std::string_view name) { return is_identifier(name) && !is_type_word(name); }

void print_id(std::string& out, std::string_view name) {
  if (is_plain_id(name)) out += name;
  else print_quoted(out, name);
}

void print_type(std::string& out, const Type& t, const SymbolTable& symbols, std::string_view opaque_bytes) {
  switch (t.kind) {
    case Type::Kind::unknown: return;
    case Type::Kind::opaque: {
      std::string domain, name;
      const bool plain = decode_opaque(opaque_bytes, domain, name);
      out += plain ? fmt::format("opaque({}{}{})", domain, domain.empty() ? "" : ",", name) : "opaque()";
      return;
    }
    case Type::Kind::sequence:
    case Type::Kind::optional:
      out += t.kind == Type::Kind::sequence ? "seq(" : "optional(";
      if (t.elem) print_type(out, *t.elem, symbols);
      out += ')';
      return;
    case Type::Kind::map:
      out += fmt::format("map({}, ", dtype_name(t.dtype));
      if (t.elem) print_type(out, *t.elem, symbols);
      out += ')';
      return;
    case Type::Kind::tensor:
    case Type::Kind::sparse_tensor: break;
  }
  if (t.kind == Type::Kind::sparse_tensor) out += "sparse_tensor(";
  out += dtype_name(t.dtype);
  if (!t.shape) out += "[]";
  else if (!t.shape->empty()) {
    for (std::size_t i = 0; i < t.shape->size(); ++i) {
      const Dim& d = (*t.shape)[i];
      out += i ? ',' : '[';
      if (d.is_value()) print_int(out, d.value());
      else if (d.is_symbolic()) print_id(out, symbols.to_string(d));
      else out += '?';
    }
    out += ']';
  }
  if (t.kind == Type::Kind::sparse_tensor) out += ')';
}

Printer::Printer(const SymbolTable& symbols, const PrintOptions& options)
    : symbols_(symbols), options_(options), style_{options.full ? kNever : options.elide_above, options.full ? kRawAbove : kNever} {}

void Printer::model(const Model& m) {
  header(m);
  graph(m.graph(), Names(m.graph()), m.graph().name);
  out_ += '\n';
  for (const auto& f : m.functions) function(*f);
}

void Printer::header(const Model& m) {
  out_ += fmt::format("<\n  ir_version: {},\n  opset_import: ", m.ir_version);
  opset_imports(imports_to_print(m.opsets, m.file_opsets));
  const auto field = [&](std::string_view key, const std::string& value) {
    if (value.empty()) return;
    out_ += fmt::format(",\n  {}: ", key);
    print_quoted(out_, value);
  };
  field("producer_name", m.producer_name);
  field("producer_version", m.producer_version);
  field("domain", m.domain);
  if (m.has_model_version) out_ += fmt::format(",\n  model_version: {}", m.model_version);
  if (options_.full) {
    field("doc_string", m.doc_string);
    for (std::size_t i = 0; i < m.metadata.size(); ++i) {
      out_ += i ? ",\n                   " : ",\n  metadata_props: [";
      print_quoted(out_, m.metadata[i].first);
      out_ += ": ";
      print_quoted(out_, m.metadata[i].second);
    }
    if (!m.metadata.empty()) out_ += ']';
  }
  out_ += '\n';
  if (options_.full) {
    NoteWriter notes(out_, 2);
    notes.bytes("training_info", m.training_info);
    notes.bytes("configuration", m.configuration);
    notes.bytes("unknown", m.unknown);
  }
  out_ += ">\n";
}

void Printer::opset_imports(const std::vector<OpsetImport>& imports) {
  out_ += '[';
  for (std::size_t i = 0; i < imports.size(); ++i) {
    if (i) out_ += ", ";
    print_quoted(out_, imports[i].domain);
    out_ += fmt::format(" : {}", imports[i].version);
  }
  out_ += ']';
}

void Printer::function(const Function& f) {
  out_ += "\n<\n  domain: ";
  print_quoted(out_, f.domain);
  if (!f.overload.empty()) {
    out_ += ",\n  overload: ";
    print_quoted(out_, f.overload);
  }
  out_ += ",\n  opset_import: ";
  opset_imports(imports_to_print(f.opsets, f.file_opsets));
  if (options_.full && !f.doc_string.empty()) {
    out_ += ",\n  doc_string: ";
    print_quoted(out_, f.doc_string);
  }
  out_ += '\n';
  if (options_.full) {
    NoteWriter notes(out_, 2);
    notes.pairs("metadata", f.metadata);
    notes.bytes("unknown", f.unknown);
  }
  out_ += ">\n";
  const Names names(*f.body);
  std::string name;
  print_id(name, f.name);
  out_ += name;
  if (!f.attributes.empty() || !f.attribute_defaults.empty()) {
    out_ += " <";
    std::string_view separator;
    for (const std::string& a : f.attributes) {
      out_ += separator;
      print_id(out_, a);
      separator = ", ";
    }
    for (const Attribute& a : f.attribute_defaults) {
      out_ += separator;
      attribute(a, names);
      separator = ", ";
    }
    if (options_.full) {
      std::string notes;
      for (const Attribute& a : f.attribute_defaults) write_attribute_notes(NoteWriter(notes, 2, "attribute " + NoteWriter::quoted(a.name) + " "), a);
      if (!notes.empty()) out_ += '\n' + notes;
    }
    out_ += '>';
  }
  out_ += ' ';
  body(*f.body, names, f.body->name);
  out_ += '\n';
}

}  // namespace text

std::string print_model(const Model& model, const PrintOptions& options) {
  text::Printer printer(const_cast<Model&>(model).symbols(), options);
  printer.model(model);
  return printer.take();
}

std::string print_graph(const Graph& graph, const PrintOptions& options) {
  text::Printer printer(graph.model().symbols(), options);
  printer.graph(graph, text::Names(graph), graph.name);
  return printer.take() + '\n';
}

}  // namespace onnxopt
