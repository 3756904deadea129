#include "ir/io/graph_parts.h"

#include <fmt/format.h>

#include "ir/io/fields.h"
#include "ir/ops/op_table.h"

namespace onnxopt {

void NodeParts::clear() {
  inputs.clear();
  outputs.clear();
  attributes.clear();
  metadata.clear();
  unknown.clear();
  name = op_type = domain = overload = doc_string = {};
}

std::string NodeParts::label() const {
  if (!name.empty()) return fmt::format("node '{}' ({})", name, op_type);
  return fmt::format("unnamed node ({}) that makes '{}'", op_type, outputs.empty() ? std::string_view() : outputs[0]);
}

void read_node_parts(std::string_view message, const ReadContext& ctx, NodeParts& parts) {
  parts.clear();
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (!f.is(WireType::bytes)) {
      keep_unknown(parts.unknown, f);
      continue;
    }
    switch (f.number) {
      case pb::node::input: parts.inputs.push_back(f.bytes); break;
      case pb::node::output: parts.outputs.push_back(f.bytes); break;
      case pb::node::name: parts.name = f.bytes; break;
      case pb::node::op_type: parts.op_type = f.bytes; break;
      case pb::node::attribute: parts.attributes.push_back(f.bytes); break;
      case pb::node::doc_string: parts.doc_string = f.bytes; break;
      case pb::node::domain: parts.domain = f.bytes; break;
      case pb::node::overload: parts.overload = f.bytes; break;
      case pb::node::metadata_props: parts.metadata.push_back(read_string_entry(f.bytes, ctx)); break;
      default: keep_unknown(parts.unknown, f);
    }
  }
}

GraphParts read_graph_parts(std::string_view message, const ReadContext& ctx) {
  GraphParts parts;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (!f.is(WireType::bytes)) {
      keep_unknown(parts.unknown, f);
      continue;
    }
    switch (f.number) {
      case pb::graph::node: parts.nodes.push_back(f.bytes); break;
      case pb::graph::name: parts.name = f.bytes; break;
      case pb::graph::initializer: parts.initializers.push_back(f.bytes); break;
      case pb::graph::doc_string: parts.doc_string = f.bytes; break;
      case pb::graph::input: parts.inputs.push_back(f.bytes); break;
      case pb::graph::output: parts.outputs.push_back(f.bytes); break;
      case pb::graph::value_info: parts.value_infos.push_back(f.bytes); break;
      case pb::graph::quantization_annotation: parts.annotations.push_back(f.raw); break;
      case pb::graph::sparse_initializer: parts.sparse_initializers.push_back(f.bytes); break;
      case pb::graph::metadata_props: parts.metadata.push_back(read_string_entry(f.bytes, ctx)); break;
      default: keep_unknown(parts.unknown, f);
    }
  }
  return parts;
}

FunctionParts read_function_parts(std::string_view message, const ReadContext& ctx) {
  FunctionParts parts;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (!f.is(WireType::bytes)) {
      keep_unknown(parts.unknown, f);
      continue;
    }
    switch (f.number) {
      case pb::function::name: parts.name = f.bytes; break;
      case pb::function::input: parts.inputs.push_back(f.bytes); break;
      case pb::function::output: parts.outputs.push_back(f.bytes); break;
      case pb::function::attribute: parts.attributes.push_back(f.bytes); break;
      case pb::function::node: parts.nodes.push_back(f.bytes); break;
      case pb::function::doc_string: parts.doc_string = f.bytes; break;
      case pb::function::opset_import: parts.opsets.push_back(read_opset_import(f.bytes, ctx)); break;
      case pb::function::domain: parts.domain = f.bytes; break;
      case pb::function::attribute_proto: parts.attribute_protos.push_back(f.raw); break;
      case pb::function::value_info: parts.value_infos.push_back(f.bytes); break;
      case pb::function::overload: parts.overload = f.bytes; break;
      case pb::function::metadata_props: parts.metadata.push_back(read_string_entry(f.bytes, ctx)); break;
      default: keep_unknown(parts.unknown, f);
    }
  }
  return parts;
}

OpsetImport read_opset_import(std::string_view message, const ReadContext& ctx) {
  OpsetImport r{"", 0};
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (f.number == pb::opset_id::domain && f.is(WireType::bytes)) r.domain = f.bytes;
    if (f.number == pb::opset_id::version && f.is(WireType::varint)) r.version = f.as_int();
  }
  if (r.version < 1 && canonical_domain(r.domain).empty())
    bad_input(fmt::format("opset_import of domain '{}' has version {}; versions start at 1", r.domain, r.version));
  return r;
}

ValueInfoParts read_value_info(std::string_view message, const ReadContext& ctx) {
  ValueInfoParts parts;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (!f.is(WireType::bytes)) {
      keep_unknown(parts.unknown, f);
      continue;
    }
    switch (f.number) {
      case pb::value_info::name: parts.name = f.bytes; break;
      case pb::value_info::type:
        once(parts.has_type, "type of a value");
        parts.type = f.bytes;
        break;
      case pb::value_info::doc_string: parts.doc_string = f.bytes; break;
      case pb::value_info::metadata_props: parts.metadata.push_back(read_string_entry(f.bytes, ctx)); break;
      default: keep_unknown(parts.unknown, f);
    }
  }
  return parts;
}

}  // namespace onnxopt
