#include "passes/opset/apply.h"

namespace onnxopt {
namespace {

constexpr std::size_t kMostSharedBytes = 1024;

// Values for a draft's inputs, made where they do not exist yet.
std::vector<Value*> values_of(const Draft& d, const std::vector<Node*>& helpers, ConstantPool& pool) {
  std::vector<Value*> r;
  r.reserve(d.inputs.size());
  for (std::size_t i = 0; i < d.inputs.size(); ++i) {
    const Arg& a = d.inputs[i];
    if (a.helper >= 0) r.push_back(helpers[static_cast<std::size_t>(a.helper)]->output());
    else if (a.tensor) r.push_back(&pool.get(a.tensor, i < d.op->inputs.size() ? d.op->inputs[i].name : "constant"));
    else r.push_back(a.value);
  }
  return r;
}

}  // namespace

Value& ConstantPool::get(const Tensor& t, std::string_view name_hint) {
  if (t.dtype() == DType::string || t.byte_size() > kMostSharedBytes) return graph_.add_constant(name_hint, t);
  std::vector<Value*>& same = by_hash_[t.content_hash()];
  for (Value* v : same)
    if (!v->erased() && v->constant() && v->constant()->same_content(t)) return *v;
  same.push_back(&graph_.add_constant(name_hint, t));
  return *same.back();
}

std::vector<Node*> apply(const Draft& d, std::span<const Draft> helpers, Node& n, ConstantPool& pool) {
  Graph& g = *n.graph();
  std::vector<Node*> made;
  for (std::size_t k = 0; k < helpers.size(); ++k) {
    Node& h = g.insert_before(n, *helpers[k].op, values_of(helpers[k], made, pool), helpers[k].attrs);
    h.output()->type = d.helper_types[k];
    made.push_back(&h);
  }
  const std::vector<Value*> inputs = values_of(d, made, pool);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (i >= n.inputs().size() || n.input(i) != inputs[i]) g.set_input(n, i, inputs[i]);
  if (n.inputs().size() > inputs.size()) g.resize_inputs(n, inputs.size());
  n.set_op(*d.op);
  n.mutable_attrs() = d.attrs;
  for (std::size_t i = n.outputs().size(); i-- > d.num_outputs;) g.set_output_omitted(n, i);
  for (const std::string& name : d.more_outputs) {
    Value& v = g.add_node_output(n);
    if (!name.empty()) v.set_name(name, true);
  }
  return made;
}

}  // namespace onnxopt
