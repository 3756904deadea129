// Nodes and attributes.
#include <algorithm>

#include "ir/io/fields.h"
#include "ir/io/model_writer.h"
#include "ir/io/type_codec.h"

namespace onnxopt {
namespace {

constexpr std::int64_t kTypedConstantOpset = 12;  // value_int, value_floats, ... of Constant

std::string_view note_name(const Tensor& t) { return t.notes() ? std::string_view(t.notes()->name) : std::string_view(); }

// The reader keeps the TypeProtos of an attribute in `unknown` where a Type cannot hold all they say.
bool has_field(std::string_view fields, std::uint32_t number) {
  WireReader in(fields, fields.data());
  for (WireField f; in.next(f);)
    if (f.number == number && f.is(WireType::bytes)) return true;
  return false;
}

// The attribute of a Constant node that holds `t` under the name the file used, where it still fits; else as a tensor.
Attribute constant_attribute(const Tensor& t, const std::string& wanted, std::int64_t opset) {
  const auto fits = [&](const char* name, DType type, std::int64_t rank) {
    return opset >= kTypedConstantOpset && wanted == name && t.dtype() == type && t.rank() == rank;
  };
  if (fits("value_float", DType::float32, 0)) return {wanted, t.data<float>()[0]};
  if (fits("value_int", DType::int64, 0)) return {wanted, t.data<std::int64_t>()[0]};
  if (fits("value_string", DType::string, 0)) return {wanted, t.strings()[0]};
  if (fits("value_floats", DType::float32, 1)) return {wanted, Floats(t.data<float>().begin(), t.data<float>().end())};
  if (fits("value_ints", DType::int64, 1)) return {wanted, Ints(t.data<std::int64_t>().begin(), t.data<std::int64_t>().end())};
  if (fits("value_strings", DType::string, 1)) return {wanted, Strings(t.strings().begin(), t.strings().end())};
  return {"value", t};
}

}  // namespace

void ModelWriter::write_metadata(WireWriter& out, std::uint32_t field, const StringPairs& metadata) const {
  for (const auto& [key, value] : metadata) out.string_entry(field, key, value);
}

void ModelWriter::write_nodes(WireWriter& out, std::uint32_t field, const Graph& g, const Root& root) const {
  const auto constant = [&](const Value* v) { out.message(field, [&] { write_constant_node(out, *v, root); }); };
  for (const Node& n : g.nodes()) {
    for (const Value* v : root.constants.before(n)) constant(v);
    if (!is_sparse_initializer(n)) out.message(field, [&] { write_node(out, n, root); });
  }
  for (const Value* v : root.constants.last(g)) constant(v);
}

void ModelWriter::write_node(WireWriter& out, const Node& n, const Root& root) const {
  for (const Value* v : n.inputs()) out.bytes(pb::node::input, root.names.of(v));
  for (const Value* v : n.outputs()) out.bytes(pb::node::output, root.names.of(v));
  out.text(pb::node::name, n.name);
  out.text(pb::node::op_type, n.op().name);
  for (const Attribute& a : n.attrs()) out.message(pb::node::attribute, [&] { write_attribute(out, a, root); });
  const NodeExtra* extra = n.extra();
  if (extra) out.text(pb::node::doc_string, extra->doc_string);
  out.text(pb::node::domain, n.op().domain);
  if (!extra) return;
  out.text(pb::node::overload, extra->overload);
  write_metadata(out, pb::node::metadata_props, extra->metadata);
  out.verbatim(extra->unknown);
}

void ModelWriter::write_constant_node(WireWriter& out, const Value& v, const Root& root) const {
  const ConstantNodeRecord plain;
  const ConstantNodeRecord& record = v.extra() && v.extra()->constant_node ? *v.extra()->constant_node : plain;
  out.bytes(pb::node::output, root.names.of(&v));
  out.text(pb::node::name, record.node_name);
  out.bytes(pb::node::op_type, "Constant");
  const Attribute a = constant_attribute(*v.constant(), record.attr_name, opset_of(*v.graph()));
  out.message(pb::node::attribute, [&] { write_attribute(out, a, root); });
  out.text(pb::node::doc_string, record.doc_string);
  out.text(pb::node::overload, record.overload);
  write_metadata(out, pb::node::metadata_props, record.metadata);
  out.verbatim(record.unknown);
}

void ModelWriter::write_attribute_value(WireWriter& out, const Attribute& a, const Root& root) const {
  using namespace pb::attribute;
  switch (a.type()) {
    case AttrType::float_: out.float32(f, std::get<float>(a.value)); break;
    case AttrType::int_: out.sint(i, std::get<std::int64_t>(a.value)); break;
    case AttrType::string: out.bytes(s, std::get<std::string>(a.value)); break;
    case AttrType::tensor: {
      const auto& value = std::get<Tensor>(a.value);
      out.message(t, [&] { write_tensor(out, value, note_name(value), options_.external_attributes ? options_.external : nullptr); });
      break;
    }
    case AttrType::graph: out.message(g, [&] { write_graph(out, *std::get<std::shared_ptr<Graph>>(a.value), root); }); break;
    case AttrType::floats:
      for (const float v : std::get<Floats>(a.value)) out.float32(floats, v);
      break;
    case AttrType::ints:
      for (const std::int64_t v : std::get<Ints>(a.value)) out.sint(ints, v);
      break;
    case AttrType::strings:
      for (const std::string& v : std::get<Strings>(a.value)) out.bytes(strings, v);
      break;
    case AttrType::tensors:
      for (const Tensor& v : std::get<std::vector<Tensor>>(a.value))
        out.message(tensors, [&] { write_tensor(out, v, note_name(v), options_.external_attributes ? options_.external : nullptr); });
      break;
    case AttrType::graphs:
      for (const auto& v : std::get<std::vector<std::shared_ptr<Graph>>>(a.value)) out.message(graphs, [&] { write_graph(out, *v, root); });
      break;
    default: break;
  }
}

void ModelWriter::write_attribute(WireWriter& out, const Attribute& a, const Root& root) const {
  using namespace pb::attribute;
  const AttrExtra* extra = a.extra.get();
  const auto type_message = [&](std::uint32_t field, const Type& t2) {
    if (!extra || !has_field(extra->unknown, field)) out.message(field, [&] { write_type(out, t2, symbols_); });
  };
  out.bytes(name, a.name);
  if (!a.is_ref()) write_attribute_value(out, a, root);
  if (extra) out.text(doc_string, extra->doc_string);
  if (!a.is_ref() && a.type() == AttrType::type_proto) type_message(tp, std::get<Type>(a.value));
  if (!a.is_ref() && a.type() == AttrType::type_protos)
    for (const Type& v : std::get<std::vector<Type>>(a.value)) type_message(pb::attribute::type_protos, v);
  if (a.type() != AttrType::undefined) out.uint(type, static_cast<std::uint64_t>(a.type()));
  if (a.is_ref()) out.text(ref_attr_name, extra->ref_attr_name);
  const auto sparse = [&](std::uint32_t field, const SparseTensor& v) {
    out.message(field, [&] { write_sparse_tensor(out, v, note_name(v.values)); });
  };
  if (!a.is_ref() && a.type() == AttrType::sparse_tensor) sparse(pb::attribute::sparse_tensor, std::get<SparseTensor>(a.value));
  if (!a.is_ref() && a.type() == AttrType::sparse_tensors)
    for (const SparseTensor& v : std::get<std::vector<SparseTensor>>(a.value)) sparse(pb::attribute::sparse_tensors, v);
  if (extra) out.verbatim(extra->unknown);
}

}  // namespace onnxopt
