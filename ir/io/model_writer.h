// The IR as ModelProto wire output. Everything is called twice (see WireWriter), so nothing here changes state. Internal to ir/io.
#pragma once

#include <string_view>

#include "ir/core/model.h"
#include "ir/io/constant_nodes.h"
#include "ir/io/external_plan.h"
#include "ir/io/output_names.h"
#include "ir/io/wire_writer.h"

namespace onnxopt {

void write_tensor(WireWriter& out, const Tensor& t, std::string_view name, const ExternalPlan* external);
void write_sparse_tensor(WireWriter& out, const SparseTensor& t, std::string_view name);

struct ModelWriterOptions {
  const ExternalPlan* external = nullptr;
  bool external_attributes = false;  // tensors of attributes and Constant nodes may be external too
  bool inferred_types = false;       // value_info of inner values: what inference knows instead of what the file said
};

class ModelWriter {
 public:
  ModelWriter(const Model& model, const ModelWriterOptions& options);
  void write(WireWriter& out) const;

 private:
  struct Root {
    OutputNames names;
    ConstantNodes constants;
  };
  void write_graph(WireWriter& out, const Graph& g, const Root& root) const;
  void write_function(WireWriter& out, const Function& f, const Root& root) const;
  void write_nodes(WireWriter& out, std::uint32_t field, const Graph& g, const Root& root) const;
  void write_node(WireWriter& out, const Node& n, const Root& root) const;
  void write_constant_node(WireWriter& out, const Value& v, const Root& root) const;
  void write_attribute(WireWriter& out, const Attribute& a, const Root& root) const;
  void write_attribute_value(WireWriter& out, const Attribute& a, const Root& root) const;
  void write_inputs(WireWriter& out, const Graph& g, const Root& root) const;
  void write_value_infos(WireWriter& out, std::uint32_t field, const Graph& g, const Root& root, bool inputs) const;
  void write_outputs(WireWriter& out, const Graph& g, const Root& root) const;
  void write_value_info(WireWriter& out, std::uint32_t field, const Value& v, const ValueExtra* extra, const Root& root) const;
  void write_annotations(WireWriter& out, const Graph& g, const Root& root) const;
  void write_metadata(WireWriter& out, std::uint32_t field, const StringPairs& metadata) const;
  std::int64_t opset_of(const Graph& g) const;

  static bool is_sparse_initializer(const Node& n);

  const Model& model_;
  const SymbolTable& symbols_;
  ModelWriterOptions options_;
  Root main_;
  std::vector<Root> functions_;
};

}  // namespace onnxopt
