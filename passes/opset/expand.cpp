#include "passes/opset/expand.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/core/element.h"
#include "ir/core/error.h"
#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

constexpr std::int64_t kMostCast = 65536;  // elements of a constant

const Decomposition* find_decomposition(const Node& n) {
  const auto all = decompositions();
  const auto less = [](const Decomposition& d, std::string_view op) { return d.op < op; };
  const auto it = std::lower_bound(all.begin(), all.end(), n.op().name, less);
  return it != all.end() && it->op == n.op().name && it->domain == n.op().domain ? &*it : nullptr;
}

// Why the node is none that its operator allows; decompositions rely on axes that exist and lists that fit. Bodies are not asked.
std::string contradiction(Node& n) {
  const InferFn infer_outputs = infer_function(n.op());
  if (!infer_outputs || n.op().has(kControlFlow) || n.is("SequenceMap")) return "";
  InferCtx ctx(n, n.graph()->model().symbols());
  try {
    infer_outputs(ctx);
  } catch (const Error& e) {
    const std::string why = e.what();
    const auto name_ends = why.find("): ");
    return "no decomposition: " + (name_ends == std::string::npos ? why : why.substr(name_ends + 3));
  }
  return "";
}

}  // namespace

std::optional<std::int64_t> Expansion::rank(std::size_t i) const {
  const Shape* s = shape(i);
  return s ? std::optional(static_cast<std::int64_t>(s->size())) : std::nullopt;
}

std::optional<Ints> Expansion::constant_ints(std::size_t i) const { return Draft(node_).constant_ints(i); }

std::int64_t Expansion::integer(std::string_view name, std::int64_t otherwise) const {
  if (const auto* v = node_.attrs().get<std::int64_t>(name)) return *v;
  const AttrSpec* spec = node_.op().find_attr(name);
  return spec && spec->has_default ? spec->i : otherwise;
}
float Expansion::real(std::string_view name, float otherwise) const {
  if (const auto* v = node_.attrs().get<float>(name)) return *v;
  const AttrSpec* spec = node_.op().find_attr(name);
  return spec && spec->has_default ? spec->f : otherwise;
}
std::string Expansion::text(std::string_view name, std::string_view otherwise) const {
  if (const auto* v = node_.attrs().get<std::string>(name)) return *v;
  const AttrSpec* spec = node_.op().find_attr(name);
  return std::string(spec && spec->has_default ? spec->s : otherwise);
}

Node& Expansion::make(std::string_view op_name, std::vector<Value*> inputs, Attrs attrs, std::size_t outputs) {
  return make_row(onnxopt::op(op_name), std::move(inputs), std::move(attrs), outputs);
}

Node& Expansion::make_row(const OpSchema& row, std::vector<Value*> inputs, Attrs attrs, std::size_t outputs) {
  while (!inputs.empty() && !inputs.back()) inputs.pop_back();
  Node& n = node_.graph()->insert_before(*at_, row, std::move(inputs), std::move(attrs), outputs);
  made_.push_back(&n);
  infer(n, {.strict = false});
  return n;
}

Value* Expansion::scalar(DType t, double v) {
  const auto made = float_scalar(t, v);
  ONNXOPT_CHECK(made.has_value(), "no scalar of this type");
  return tensor(*made);
}

// A small constant is converted here: older versions want constants as attributes.
Value* Expansion::cast(Value* v, DType t) {
  if (dtype_of_value(v) == t) return v;
  const Tensor* c = v->constant();
  const auto small = [](DType d) { return carrier_of(d) != Carrier::none && carrier_of(d) != Carrier::complex && carrier_of(d) != Carrier::string; };
  if (!c || c->size() > kMostCast || bit_width(c->dtype()) > 32 || !small(c->dtype()) || !small(t))
    return op("Cast", {v}, {{"to", static_cast<std::int64_t>(t)}});
  std::vector<double> values(static_cast<std::size_t>(c->size()));
  load_block<double>(c->dtype(), c->bytes().data(), 0, c->size(), values.data());
  std::vector<std::byte> bytes(raw_byte_size(t, c->dims()));
  store_block<double>(t, bytes.data(), 0, c->size(), values.data());
  return tensor(Tensor::from_bytes(t, c->dims(), std::move(bytes)));
}

Value* Expansion::op(std::string_view op_name, std::vector<Value*> inputs, Attrs attrs) {
  return make(op_name, std::move(inputs), std::move(attrs)).output();
}
Value* Expansion::tensor(const Tensor& t, std::string_view hint) { return &pool_.get(t, hint); }
Value* Expansion::ints(const Ints& v, std::string_view hint) { return tensor(Tensor::int64s(v), hint); }
Value* Expansion::index(std::int64_t v, std::string_view hint) { return tensor(Tensor::scalar<std::int64_t>(v), hint); }
Value* Expansion::add(Value* a, Value* b) { return op("Add", {a, b}); }
Value* Expansion::sub(Value* a, Value* b) { return op("Sub", {a, b}); }
Value* Expansion::mul(Value* a, Value* b) { return op("Mul", {a, b}); }
Value* Expansion::div(Value* a, Value* b) { return op("Div", {a, b}); }
Value* Expansion::shape_value(Value* v) { return op("Shape", {v}); }
Value* Expansion::reshape(Value* v, const Ints& to) { return op("Reshape", {v, ints(to)}); }
Value* Expansion::reshape_like(Value* v, Value* like) { return op("Reshape", {v, shape_value(like)}); }
Value* Expansion::transpose(Value* v, const Ints& perm) { return op("Transpose", {v}, {{"perm", perm}}); }
Value* Expansion::unsqueeze(Value* v, const Ints& axes) { return op("Unsqueeze", {v, ints(axes, "axes")}); }
Value* Expansion::squeeze(Value* v, const Ints& axes) { return op("Squeeze", {v, ints(axes, "axes")}); }
Value* Expansion::concat(std::vector<Value*> parts, std::int64_t axis) { return op("Concat", std::move(parts), {{"axis", axis}}); }
Value* Expansion::slice(Value* v, std::int64_t from, std::int64_t to, std::int64_t axis, std::int64_t step) {
  return op("Slice", {v, ints({from}, "starts"), ints({to}, "ends"), ints({axis}, "axes"), step == 1 ? nullptr : ints({step}, "steps")});
}

Value* Expansion::reduce(std::string_view op_name, Value* v, const Ints& axes, bool keep) {
  return op(op_name, {v, ints(axes, "axes")}, {{"keepdims", std::int64_t{keep}}});
}

void Expansion::result(std::size_t output, Value* v) {
  if (node_.output(output)) results_.emplace_back(node_.output(output), v);
}

void Expansion::result_of(Node& consumer, Value* v) {
  if (v) results_.emplace_back(consumer.output(), v);
  consumers_.push_back(&consumer);
}

std::shared_ptr<Graph> Expansion::move_subgraph(std::string_view attr, Node& to, std::string_view as) {
  std::shared_ptr<Graph> sub = *node_.attrs().get<std::shared_ptr<Graph>>(attr);
  node_.mutable_attrs().remove(attr);
  to.graph()->adopt_subgraph(to, std::string(as.empty() ? attr : as), sub);
  return sub;
}

void Expansion::roll_back() {
  at_ = &node_;
  while (!made_.empty()) {
    made_.back()->graph()->erase(*made_.back());
    made_.pop_back();
  }
  results_.clear();
  consumers_.clear();
}

std::vector<Node*> Expansion::commit(int depth) {
  Graph& g = *node_.graph();
  at_ = &node_;
  for (auto& [old, v] : results_) {
    if (!v->producer() || v->graph() != &g || v->is_graph_output() || std::find(made_.begin(), made_.end(), v->producer()) == made_.end())
      v = op("Identity", {v});  // the result is a value of its own
    const std::string name = old->name();
    const bool from_file = old->name_from_file(), output = old->is_graph_output();
    g.replace_all_uses(*old, *v);
    if (output) continue;
    old->set_name("");
    v->set_name(name, from_file);
    if (old->extra()) v->make_extra() = *old->extra();
  }
  const std::string level = depth > 0 ? fmt::format("{}_", depth) : "";  // the node may have got its name from what it is a part of
  for (std::size_t k = 0; k < made_.size() && !node_.name.empty(); ++k)
    made_[k]->name = fmt::format("{}/{}_{}{}", node_.name, made_[k]->op().name, level, k);
  if (!results_.empty()) results_.front().second->producer()->name = node_.name;
  for (std::size_t k = consumers_.size(); k-- > 0;) g.erase(*consumers_[k]);
  g.erase(node_);
  return std::move(made_);
}

std::string expand(Node& n, const std::string& why, const OutputOpsets& target, ConstantPool& pool, std::vector<Node*>& made, int depth) {
  Expansion e(n, target, pool);
  std::string reason = why;
  const Decomposition* d = find_decomposition(n);
  if (n.has_ref_attrs()) return "an attribute is the function's, and unknown here";
  if (d && (d->older || !n.kept)) {
    reason = contradiction(n);
    if (!reason.empty()) return reason;
    reason = d->expand(e);
    if (reason.empty()) {
      made = e.commit(depth);
      return "";
    }
    e.roll_back();
    if (reason == kOtherReason) reason = why;
  }
  if (why.starts_with("type:") && !n.kept && expand_by_widening(e).empty()) {
    made = e.commit(depth);
    return "";
  }
  e.roll_back();
  return reason.empty() ? why : reason;
}

}  // namespace onnxopt
