// GraphProto, NodeProto, ValueInfoProto and FunctionProto taken apart into views, before any of it becomes IR. Internal to ir/io.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/core/model.h"
#include "ir/io/read_context.h"

namespace onnxopt {

using Views = std::vector<std::string_view>;

struct NodeParts {
  Views inputs, outputs, attributes;
  std::string_view name, op_type, domain, overload, doc_string;
  StringPairs metadata;
  std::string unknown;
  void clear();
  std::string label() const;  // node 'name' (Op)
};
// Into `parts`, whose memory is reused.
void read_node_parts(std::string_view message, const ReadContext& ctx, NodeParts& parts);

struct GraphParts {
  Views nodes, initializers, sparse_initializers, inputs, outputs, value_infos, annotations;
  std::string_view name, doc_string;
  StringPairs metadata;
  std::string unknown;
};
GraphParts read_graph_parts(std::string_view message, const ReadContext& ctx);

struct FunctionParts {
  Views inputs, outputs, attributes, attribute_protos, nodes, value_infos;
  std::string_view name, domain, overload, doc_string;
  std::vector<OpsetImport> opsets;
  StringPairs metadata;
  std::string unknown;
};
FunctionParts read_function_parts(std::string_view message, const ReadContext& ctx);
OpsetImport read_opset_import(std::string_view message, const ReadContext& ctx);

struct ValueInfoParts {
  std::string_view name, type, doc_string;
  bool has_type = false;
  StringPairs metadata;
  std::string unknown;
};
ValueInfoParts read_value_info(std::string_view message, const ReadContext& ctx);

}  // namespace onnxopt
