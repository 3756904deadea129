// Graphs, functions and the model around them.
#include <algorithm>
#include <unordered_set>

#include "ir/io/fields.h"
#include "ir/io/model_writer.h"
#include "ir/io/type_codec.h"
#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

// A type without the type of its elements (of a function's parameters, which the caller decides) is not written: runtimes refuse it, and take none.
bool is_told(const Type& t) {
  if (t.kind == Type::Kind::sequence || t.kind == Type::Kind::optional) return t.elem && is_told(*t.elem);
  return t.kind != Type::Kind::unknown && (!t.is_tensor() || t.dtype != DType::undefined);
}

// What inference knows makes what the file declared impossible: another element type, rank or fixed dim.
bool contradicts(const Type& declared, const Type& known) {
  if (known.kind == Type::Kind::unknown || declared.kind == Type::Kind::unknown) return false;
  if (declared.kind != known.kind) return true;
  if (!known.is_tensor()) return false;
  if (declared.dtype != known.dtype && known.dtype != DType::undefined) return true;
  if (!declared.shape || !known.shape) return false;
  if (declared.shape->size() != known.shape->size()) return true;
  for (std::size_t i = 0; i < known.shape->size(); ++i) {
    const Dim &a = (*declared.shape)[i], &b = (*known.shape)[i];
    if (a.is_value() && b.is_value() && a.value() != b.value()) return true;
  }
  return false;
}

// The declaration still stands as the file has it; else (an option or a pass replaced it) its verbatim form must not be written.
bool is_verbatim_current(const ValueExtra& extra, const SymbolTable& symbols) {
  SymbolTable scratch;
  ReadContext ctx;
  ctx.base = extra.opaque_type.data();
  ctx.symbols = &scratch;
  TypeNotes notes;
  const Type again = read_type(extra.opaque_type, ctx, notes);
  std::string then, now;
  serialize_to(then, [&](WireWriter& out) { write_type(out, again, scratch); });
  serialize_to(now, [&](WireWriter& out) { write_type(out, extra.declared, symbols); });
  return then == now;
}

void write_imports(WireWriter& out, std::uint32_t field, const std::vector<OpsetImport>& file, const std::vector<OpsetImport>& current) {
  const auto find = [](const std::vector<OpsetImport>& list, const OpsetImport& i) {
    return std::find_if(list.begin(), list.end(), [&](const OpsetImport& o) { return canonical_domain(o.domain) == canonical_domain(i.domain); });
  };
  const auto write = [&](std::string_view domain, std::int64_t version) {
    out.message(field, [&] {
      out.bytes(pb::opset_id::domain, domain);
      out.sint(pb::opset_id::version, version);
    });
  };
  for (const OpsetImport& i : file)  // in the file's order and spelling
    if (const auto now = find(current, i); now != current.end()) write(i.domain, now->version);
  for (const OpsetImport& i : current)
    if (find(file, i) == file.end()) write(i.domain, i.version);
}

}  // namespace

bool ModelWriter::is_sparse_initializer(const Node& n) {
  if (!n.is("Constant")) return false;
  const Value* v = n.output();
  return v && v->extra() && v->extra()->sparse && n.attrs().get<SparseTensor>("sparse_value");
}

ModelWriter::ModelWriter(const Model& model, const ModelWriterOptions& options)
    : model_(model), symbols_(model.symbols()), options_(options), main_{{}, {model.graph(), model.ir_version}} {
  main_.names.assign(model.graph());
  functions_.reserve(model.functions.size());
  for (const auto& f : model.functions) {
    functions_.push_back({{}, {*f->body, model.ir_version}});
    functions_.back().names.assign(*f->body);
  }
}

std::int64_t ModelWriter::opset_of(const Graph& g) const {
  const Graph* root = &g;
  while (root->outer()) root = root->outer();
  if (!root->function()) return model_.opset("");
  for (const OpsetImport& i : root->function()->opsets)
    if (canonical_domain(i.domain).empty()) return i.version;
  return 0;
}

void ModelWriter::write_value_info(WireWriter& out, std::uint32_t field, const Value& v, const ValueExtra* extra, const Root& root) const {
  const bool known = is_told(v.type);
  bool declared = extra && extra->has_declared;
  if (declared && known && !v.is_graph_input() && (contradicts(extra->declared, v.type) || (options_.inferred_types && !v.is_graph_output())))
    declared = false;
  out.message(field, [&] {
    out.bytes(pb::value_info::name, root.names.of(&v));
    if (declared && !extra->opaque_type.empty() && is_verbatim_current(*extra, symbols_)) out.bytes(pb::value_info::type, extra->opaque_type);
    else if (declared)
      out.message(pb::value_info::type, [&] { write_type(out, extra->declared, symbols_, {extra->dim_denotations, extra->type_denotation, ""}); });
    else if (known) out.message(pb::value_info::type, [&] { write_type(out, v.type, symbols_); });
    if (!extra) return;
    out.text(pb::value_info::doc_string, extra->doc_string);
    write_metadata(out, pb::value_info::metadata_props, extra->metadata);
    out.verbatim(extra->unknown);
  });
}

void ModelWriter::write_inputs(WireWriter& out, const Graph& g, const Root& root) const {
  for (const Value* v : g.inputs()) write_value_info(out, pb::graph::input, *v, v->extra(), root);
  if (model_.ir_version >= 4 || g.parent()) return;
  for (const Value* v : g.constants())  // IR version 3: every initializer is an input; what the file had otherwise stays as it was
    if (!v->is_graph_input() && !v->name_from_file() && !is_constant_node(*v, model_.ir_version))
      write_value_info(out, pb::graph::input, *v, v->extra(), root);
}

void ModelWriter::write_outputs(WireWriter& out, const Graph& g, const Root& root) const {
  auto note = g.output_notes.begin();  // by index
  for (std::size_t i = 0; i < g.outputs().size(); ++i) {
    const Value& v = *g.outputs()[i];
    while (note != g.output_notes.end() && note->index < i) ++note;
    const bool noted = note != g.output_notes.end() && note->index == i && note->value == &v;
    write_value_info(out, pb::graph::output, v, noted ? note->extra.get() : v.extra(), root);
  }
}

void ModelWriter::write_value_infos(WireWriter& out, std::uint32_t field, const Graph& g, const Root& root, bool inputs) const {
  const std::unordered_set<const Value*> listed(g.outputs().begin(), g.outputs().end());
  g.for_each_value([&](Value& v) {
    if (!inputs && (v.is_graph_input() || listed.contains(&v))) return;
    const ValueExtra* extra = v.extra();
    const bool told = extra && (extra->has_declared || !extra->doc_string.empty() || !extra->metadata.empty() || !extra->unknown.empty());
    const bool inferred = options_.inferred_types && !v.constant() && is_told(v.type);
    if (told || inferred) write_value_info(out, field, v, extra, root);
  });
}

void ModelWriter::write_annotations(WireWriter& out, const Graph& g, const Root& root) const {
  g.for_each_value([&](Value& v) {
    if (!v.extra() || v.extra()->quantization.empty()) return;
    out.message(pb::graph::quantization_annotation, [&] {
      out.bytes(pb::annotation::tensor_name, root.names.of(&v));
      write_metadata(out, pb::annotation::quant_parameter_tensor_names, v.extra()->quantization);
    });
  });
}

void ModelWriter::write_graph(WireWriter& out, const Graph& g, const Root& root) const {
  write_nodes(out, pb::graph::node, g, root);
  out.text(pb::graph::name, g.name);
  for (const Value* v : g.constants())
    if (!is_constant_node(*v, model_.ir_version))
      out.message(pb::graph::initializer, [&] { write_tensor(out, *v->constant(), root.names.of(v), options_.external); });
  out.text(pb::graph::doc_string, g.doc_string);
  write_inputs(out, g, root);
  write_outputs(out, g, root);
  write_value_infos(out, pb::graph::value_info, g, root, false);
  write_annotations(out, g, root);
  for (const Node& n : g.nodes())
    if (is_sparse_initializer(n))
      out.message(pb::graph::sparse_initializer,
                  [&] { write_sparse_tensor(out, *n.attrs().get<SparseTensor>("sparse_value"), root.names.of(n.output())); });
  write_metadata(out, pb::graph::metadata_props, g.metadata);
  out.verbatim(g.unknown);
}

void ModelWriter::write_function(WireWriter& out, const Function& f, const Root& root) const {
  out.bytes(pb::function::name, f.name);
  for (const Value* v : f.body->inputs()) out.bytes(pb::function::input, root.names.of(v));
  for (const Value* v : f.body->outputs()) out.bytes(pb::function::output, root.names.of(v));
  for (const std::string& a : f.attributes) out.bytes(pb::function::attribute, a);
  write_nodes(out, pb::function::node, *f.body, root);
  out.text(pb::function::doc_string, f.doc_string);
  std::vector<OpsetImport> opsets = f.opsets;
  const bool standard = std::any_of(opsets.begin(), opsets.end(), [](const OpsetImport& i) { return canonical_domain(i.domain).empty(); });
  if (!standard && !f.body->constants().empty()) opsets.push_back({"", std::max<std::int64_t>(model_.opset(""), 1)});  // for its Constant nodes
  write_imports(out, pb::function::opset_import, f.file_opsets, opsets);
  out.bytes(pb::function::domain, f.domain);
  for (const Attribute& a : f.attribute_defaults) out.message(pb::function::attribute_proto, [&] { write_attribute(out, a, root); });
  write_value_infos(out, pb::function::value_info, *f.body, root, true);
  out.text(pb::function::overload, f.overload);
  write_metadata(out, pb::function::metadata_props, f.metadata);
  out.verbatim(f.unknown);
}

void ModelWriter::write(WireWriter& out) const {
  if (model_.ir_version != 0) out.sint(pb::model::ir_version, model_.ir_version);
  out.text(pb::model::producer_name, model_.producer_name);
  out.text(pb::model::producer_version, model_.producer_version);
  out.text(pb::model::domain, model_.domain);
  if (model_.has_model_version || model_.model_version != 0) out.sint(pb::model::model_version, model_.model_version);
  out.text(pb::model::doc_string, model_.doc_string);
  out.message(pb::model::graph, [&] { write_graph(out, model_.graph(), main_); });
  const bool none_in_file = model_.file_opsets.empty() && model_.ir_version < 4 && model_.opsets.size() == 1 && model_.opsets[0].domain.empty() &&
                            model_.opsets[0].version == 1;  // the first ONNX files: no import means opset 1
  if (!none_in_file) write_imports(out, pb::model::opset_import, model_.file_opsets, model_.opsets);
  write_metadata(out, pb::model::metadata_props, model_.metadata);
  out.verbatim(model_.training_info);
  for (std::size_t i = 0; i < functions_.size(); ++i)
    out.message(pb::model::functions, [&] { write_function(out, *model_.functions[i], functions_[i]); });
  out.verbatim(model_.configuration);
  out.verbatim(model_.unknown);
}

}  // namespace onnxopt
