#include "passes/opset/expand_body.h"

#include <unordered_map>

#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"

namespace onnxopt {

Value* ExpansionBody::input(const char* hint, const Type& t) {
  Value& v = graph_->add_input(hint, t);
  v.set_name(hint);  // ours, made unique on save
  v.make_extra().declared = t;
  v.make_extra().has_declared = t.kind != Type::Kind::unknown;
  return &v;
}

Node& ExpansionBody::make(std::string_view op_name, std::vector<Value*> inputs, Attrs attrs, std::size_t outputs) {
  Node& n = graph_->append(onnxopt::op(op_name), std::move(inputs), std::move(attrs), outputs);
  infer(n, {.strict = false});
  return n;
}

Value* ExpansionBody::op(std::string_view op_name, std::vector<Value*> inputs, Attrs attrs) {
  return make(op_name, std::move(inputs), std::move(attrs)).output();
}

std::vector<Value*> ExpansionBody::copy_of(const Graph& from, const std::vector<Value*>& inputs) {
  std::unordered_map<const Value*, Value*> map;
  for (std::size_t i = 0; i < inputs.size() && i < from.inputs().size(); ++i) map[from.inputs()[i]] = inputs[i];
  clone_nodes(from, *graph_, nullptr, map);
  std::vector<Value*> r;
  for (Value* v : from.outputs()) {
    const auto it = map.find(v);
    r.push_back(it == map.end() ? v : it->second);
  }
  return r;
}

void ExpansionBody::output(Value* v, const Type& t) {
  const bool own = v->graph() == graph_.get() && v->producer() && !v->is_graph_output();
  Value* out = own ? v : graph_->append(onnxopt::op("Identity"), {v}).output();
  if (out->type.kind == Type::Kind::unknown) out->type = t.kind != Type::Kind::unknown ? t : v->type;
  graph_->add_output(*out);
}

}  // namespace onnxopt
