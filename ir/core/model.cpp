#include "ir/core/model.h"

#include <climits>

namespace onnxopt {

// Owns the strings that the row's views point to.
struct Model::OpaqueRow {
  std::string domain, name;
  OpSchema row;
};

Model::Model() : graph_(std::make_unique<Graph>(*this)) {}
Model::~Model() = default;

std::int64_t Model::opset(std::string_view op_domain) const {
  const bool standard = op_domain.empty() || op_domain == "ai.onnx";
  for (const OpsetImport& o : opsets)
    if (o.domain == op_domain || (standard && (o.domain.empty() || o.domain == "ai.onnx"))) return o.version;
  return 0;
}

Function* Model::find_function(std::string_view op_domain, std::string_view name, std::string_view overload) const {
  for (const auto& f : functions)
    if (f->name == name && f->domain == op_domain && f->overload == overload) return f.get();
  return nullptr;
}

Function* Model::function_of(const Node& n) const {
  if (functions.empty() || !n.op().has(kOpaque)) return nullptr;
  return find_function(n.op().domain, n.op().name, n.extra() ? std::string_view(n.extra()->overload) : std::string_view());
}

const OpSchema& Model::opaque_op(std::string_view op_domain, std::string_view name, int version) {
  for (const auto& r : opaque_)
    if (r->name == name && r->domain == op_domain && r->row.since == version) return r->row;
  auto r = std::make_unique<OpaqueRow>();
  r->domain = op_domain;
  r->name = name;
  r->row.domain = r->domain;
  r->row.name = r->name;
  r->row.since = version;
  r->row.max_inputs = r->row.max_outputs = INT_MAX;
  r->row.traits = kOpaque;
  opaque_.push_back(std::move(r));
  return opaque_.back()->row;
}

void Model::collect() {
  for (Node* n : erased_nodes_) Graph::free_contents(*n);
  for (Value* v : erased_values_) Graph::free_contents(*v);
  erased_nodes_.clear();
  erased_values_.clear();
}

std::vector<Graph*> Model::root_graphs() {
  std::vector<Graph*> r = {graph_.get()};
  for (const auto& f : functions) r.push_back(f->body.get());
  return r;
}

}  // namespace onnxopt
