#include "passes/opset/draft.h"

#include "ir/ops/op_table.h"

namespace onnxopt {

Type Arg::type() const {
  if (value) return value->type;
  if (tensor) return Type::tensor(tensor.dtype(), tensor.dims());
  return made_type;
}

Draft::Draft(const Node& n)
    : op(&n.op()), attrs(n.attrs()), inputs(n.inputs().begin(), n.inputs().end()), num_outputs(n.outputs().size()), node_(&n) {}

Draft::Draft(const Helper& h) : op(&onnxopt::op(h.op)), attrs(h.attrs), inputs(h.inputs), num_outputs(1), node_(nullptr) {}

std::optional<Ints> Draft::constant_ints(std::size_t i) const {
  const Tensor* t = constant(i);
  if (!t) return known_ints(i);
  if (t->rank() > 1) return std::nullopt;
  if (t->dtype() == DType::int64) {
    const auto v = t->data<std::int64_t>();
    return Ints(v.begin(), v.end());
  }
  if (t->dtype() == DType::int32) {
    const auto v = t->data<std::int32_t>();
    return Ints(v.begin(), v.end());
  }
  return std::nullopt;
}

// Computed at run time, and yet always the same: sizes of declared shapes, and what is computed from them.
std::optional<Ints> Draft::known_ints(std::size_t i) const {
  const Value* v = i < inputs.size() ? inputs[i].value : nullptr;
  if (!v || !v->known) return std::nullopt;
  Ints r;
  for (const Dim& d : *v->known) {
    if (!d.is_value()) return std::nullopt;
    r.push_back(d.value());
  }
  asked_types_ = true;
  return r;
}

DType Draft::dtype(std::size_t i) {
  asked_types_ = true;
  if (!has(i)) return DType::undefined;
  const Type t = inputs[i].type();
  return t.is_tensor() ? t.dtype : DType::undefined;
}

std::optional<Shape> Draft::shape(std::size_t i) {
  asked_types_ = true;
  if (!has(i)) return std::nullopt;
  const Type t = inputs[i].type();
  return t.is_tensor() ? t.shape : std::nullopt;
}

std::optional<std::int64_t> Draft::rank(std::size_t i) {
  const auto s = shape(i);
  if (!s) return std::nullopt;
  return static_cast<std::int64_t>(s->size());
}

bool Draft::output_used(std::size_t i) const {
  const Value* v = output(i);
  return v && !v->unused();
}

void Draft::set(std::string name, AttrValue v) {
  attrs.set(std::move(name), std::move(v));
  changed = true;
}

void Draft::drop(std::string_view name) {
  if (attrs.remove(name)) changed = true;
}

void Draft::set_input(std::size_t i, Arg a) {
  if (i >= inputs.size()) inputs.resize(i + 1);
  inputs[i] = std::move(a);
  changed = true;
}

void Draft::trim_inputs(std::size_t count) {
  if (inputs.size() <= count) return;
  inputs.resize(count);
  changed = true;
}

Arg Draft::add_helper(std::string_view op_name, std::vector<Arg> in, Attrs a, Type type) {
  helpers.push_back({op_name, std::move(in), std::move(a)});
  helper_types.push_back(type);
  Arg out;
  out.helper = static_cast<int>(helpers.size()) - 1;
  out.made_type = std::move(type);
  changed = true;
  return out;
}

std::int64_t int_attr(const Draft& d, std::string_view name, std::int64_t otherwise) {
  const auto* v = d.attrs.get<std::int64_t>(name);
  return v ? *v : otherwise;
}

std::string string_attr(const Draft& d, std::string_view name, std::string_view otherwise) {
  const auto* v = d.attrs.get<std::string>(name);
  return v ? *v : std::string(otherwise);
}

float float_attr(const Draft& d, std::string_view name, float otherwise) {
  const auto* v = d.attrs.get<float>(name);
  return v ? *v : otherwise;
}

}  // namespace onnxopt
