#include "ir/ops/infer_state.h"

#include "ir/ops/infer_driver.h"

namespace onnxopt {

void collect_values(const Graph& body, std::vector<Value*>& values) {
  values.insert(values.end(), body.inputs().begin(), body.inputs().end());
  for (const Node& n : body.nodes()) collect_values(n, values);
}

void collect_values(const Node& node, std::vector<Value*>& values) {
  for (Value* v : node.outputs())
    if (v) values.push_back(v);
  for (const Graph* inner : node.subgraphs()) collect_values(*inner, values);
}

KeptTypes::KeptTypes(InferDriver& driver, Graph& body) : driver_(driver) {
  std::vector<Value*> values;
  collect_values(body, values);
  kept_.reserve(values.size());
  for (Value* v : values) kept_.push_back({v, v->type, std::move(v->known), driver.is_impossible(*v)});
}

KeptTypes::~KeptTypes() {
  for (Kept& k : kept_) {
    k.value->type = std::move(k.type);
    k.value->known = std::move(k.known);
    driver_.set_impossible(*k.value, k.impossible);
  }
}

}  // namespace onnxopt
