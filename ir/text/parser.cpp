#include "ir/text/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "ir/ops/op_table.h"

namespace onnxopt {

std::unique_ptr<Model> parse_model(std::string_view text, const ParseOptions& options) {
  auto model = std::make_unique<Model>();
  text::Parser(text, options, *model).parse();
  return model;
}

namespace text {

Parser::Parser(std::string_view text, const ParseOptions& options, Model& model)
    : lex_(text, options.file, options.first_line), options_(options), model_(model), limits_{options.placeholders, options.max_synthetic_bytes} {}

void Parser::parse() {
  imports_ = &model_.opsets;
  bool has_imports = false;
  if (lex_.accept('<')) {
    model_header();
    has_imports = !model_.file_opsets.empty() || !model_.opsets.empty();
  }
  if (!has_imports) {
    implicit_imports_ = true;
    model_.opsets.push_back({"", options_.default_opset});
  }
  graph(model_.graph(), nullptr);
  while (!lex_.at_end()) function();
  bind_function_calls();
  if (!has_imports) model_.file_opsets = model_.opsets;
  if (!has_ir_version_) {
    const std::int64_t opset = model_.opset("");
    const int known = opset >= 1 && opset <= kNewestOpset ? ir_version_for_opset(static_cast<int>(opset)) : kNewestIrVersion;
    model_.ir_version = model_.functions.empty() ? known : std::max(known, 8);  // functions came with IR 8
  }
}

// After '<'
void Parser::model_header() {
  do {
    const std::string key(lex_.identifier("a field of the model's header"));
    lex_.expect(':', fmt::format("after '{}'", key));
    header_field(key);
  } while (lex_.accept(','));
  for (const NoteLine& line : lex_.take_notes()) apply_model_note(model_, read_note(line, lex_), lex_);
  lex_.expect('>', "after the model's header");
}

void Parser::header_field(std::string_view key) {
  const std::size_t at = lex_.pos();
  if (key == "ir_version") {
    model_.ir_version = lex_.integer("a version");
    has_ir_version_ = true;
  } else if (key == "opset_import") {
    model_.file_opsets = opset_imports();
    model_.opsets = model_.file_opsets;
    if (model_.opsets.empty()) model_.opsets.push_back({"", 1});  // a file without imports is read as opset 1
    for (OpsetImport& o : model_.opsets) o.domain = std::string(canonical_domain(o.domain));
  } else if (key == "producer_name") model_.producer_name = lex_.string_literal("a name");
  else if (key == "producer_version") model_.producer_version = lex_.string_literal("a version");
  else if (key == "domain") model_.domain = lex_.string_literal("a domain");
  else if (key == "doc_string") model_.doc_string = lex_.string_literal("a text");
  else if (key == "metadata_props") model_.metadata = string_pairs();
  else if (key == "model_version") {
    model_.model_version = lex_.integer("a version");
    model_.has_model_version = true;
  } else {
    lex_.fail_at(at, fmt::format("unknown field '{}' in the model's header", key));
  }
}

std::vector<OpsetImport> Parser::opset_imports() {
  std::vector<OpsetImport> r;
  lex_.expect('[', "before the opset imports");
  if (lex_.accept(']')) return r;
  do {
    std::string domain = lex_.string_literal("a domain");
    lex_.expect(':', "after the domain");
    const std::size_t at = lex_.pos();
    const std::int64_t version = lex_.integer("an opset version");
    if (version < 0 || version > std::numeric_limits<int>::max()) lex_.fail_at(at, "not an opset version");
    r.push_back({std::move(domain), version});
  } while (lex_.accept(','));
  lex_.expect(']', "after the opset imports");
  return r;
}

StringPairs Parser::string_pairs() {
  StringPairs r;
  lex_.expect('[', "before the pairs");
  if (lex_.accept(']')) return r;
  do {
    std::string key = lex_.string_literal("a key");
    lex_.expect(':', "after the key");
    r.emplace_back(std::move(key), lex_.string_literal("a value"));
  } while (lex_.accept(','));
  lex_.expect(']', "after the pairs");
  return r;
}

// <domain: "d", opset_import: [...]> name <attributes> (inputs) => (outputs) <value infos> { nodes }
void Parser::function() {
  model_.functions.push_back(std::make_unique<Function>());
  Function& f = *model_.functions.back();
  f.body = std::make_unique<Graph>(model_);
  f.body->set_function(&f);
  bool has_imports = false;
  if (lex_.accept('<')) {
    do {
      const std::size_t at = lex_.pos();
      const std::string key(lex_.identifier("a field of the function's header"));
      lex_.expect(':', fmt::format("after '{}'", key));
      if (key == "domain") f.domain = lex_.string_literal("a domain");
      else if (key == "overload") f.overload = lex_.string_literal("an overload");
      else if (key == "doc_string") f.doc_string = lex_.string_literal("a text");
      else if (key == "opset_import") f.file_opsets = opset_imports(), has_imports = true;
      else lex_.fail_at(at, fmt::format("unknown field '{}' in the function's header", key));
    } while (lex_.accept(','));
    for (const NoteLine& line : lex_.take_notes()) apply_function_note(f, read_note(line, lex_), lex_);
    lex_.expect('>', "after the function's header");
  }
  f.name = lex_.quotable_id("the name of a function");
  f.body->name = f.name;
  f.opsets = has_imports ? f.file_opsets : model_.opsets;
  for (OpsetImport& o : f.opsets) o.domain = std::string(canonical_domain(o.domain));
  imports_ = &f.opsets;
  implicit_imports_ = !has_imports;
  resolved_.clear();
  function_attributes(f);
  Scope scope;
  graph_inputs(*f.body, scope);
  graph_after_inputs(*f.body, scope);
  if (!has_imports) f.file_opsets = f.opsets;
}

// <name, name: type = default>
void Parser::function_attributes(Function& f) {
  if (!lex_.accept('<')) return;
  if (lex_.accept('>')) return;
  Scope none;
  do {
    const std::size_t at = lex_.pos();
    std::string name = lex_.quotable_id("an attribute name");
    if (lex_.peek() != ':' && lex_.peek() != '=') {
      f.attributes.push_back(std::move(name));
      continue;
    }
    lex_.seek(at);
    ParsedAttribute a = attribute(none);
    if (!a.graphs.empty()) lex_.fail_at(at, "the default of a function's attribute cannot be a graph");
    f.attribute_defaults.add(std::move(a.attribute));
  } while (lex_.accept(','));
  for (const NoteLine& line : lex_.take_notes()) {
    const Note note = read_note(line, lex_);
    Attribute* a = note.words[0] == "attribute" ? f.attribute_defaults.find(note.at(1, lex_)) : nullptr;
    if (!a) lex_.fail_at(line.pos, "note on an attribute that the function does not declare");
    apply_attribute_note(*a, note, 2, lex_);
  }
  lex_.expect('>', "after the function's attributes");
}

// Functions stand after their calls in the text; a local function wins over an operator of the same name.
void Parser::bind_function_calls() {
  if (model_.functions.empty()) return;
  std::set<std::pair<std::string_view, std::string_view>> local;
  for (const auto& f : model_.functions) local.emplace(f->domain, f->name);
  for (Graph* root : model_.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (Node& n : g.nodes())
        if (!n.op().has(kOpaque) && local.contains({n.op().domain, n.op().name}))
          n.set_op(model_.opaque_op(n.op().domain, n.op().name, n.op().since));
    });
}

}  // namespace text
}  // namespace onnxopt
