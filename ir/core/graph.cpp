#include "ir/core/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ir/core/model.h"
#include "ir/core/sparse.h"
#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

// T -> the field of AttrSpec that holds its default.
template <class T>
T schema_default(const AttrSpec& a);
template <>
std::int64_t schema_default(const AttrSpec& a) {
  return a.i;
}
template <>
float schema_default(const AttrSpec& a) {
  return a.f;
}
template <>
std::string schema_default(const AttrSpec& a) {
  return std::string(a.s);
}
template <>
Ints schema_default(const AttrSpec& a) {
  return {a.ints.begin(), a.ints.end()};
}
template <>
Floats schema_default(const AttrSpec& a) {
  return {a.floats.begin(), a.floats.end()};
}
template <>
Strings schema_default(const AttrSpec& a) {
  return {a.strings.begin(), a.strings.end()};
}

}  // namespace

template <class T>
T Node::attr(std::string_view attr_name) const {
  if (const T* v = attrs_.get<T>(attr_name)) return *v;
  const AttrSpec* spec = op_->find_attr(attr_name);
  const bool present = attrs_.has(attr_name);
  if (present || !spec || !spec->has_default)
    bad_input(fmt::format("node '{}' ({}): attribute '{}' {}", name, op_->name, attr_name,
                          present ? "has the wrong type" : "is missing and has no default"));
  return schema_default<T>(*spec);
}
template std::int64_t Node::attr(std::string_view) const;
template float Node::attr(std::string_view) const;
template std::string Node::attr(std::string_view) const;
template Ints Node::attr(std::string_view) const;
template Floats Node::attr(std::string_view) const;
template Strings Node::attr(std::string_view) const;

std::vector<Graph*> Node::subgraphs() const {
  std::vector<Graph*> r;
  if (!holds_subgraphs_) return r;
  for (const Attribute& a : attrs_) {
    if (const auto* g = std::get_if<std::shared_ptr<Graph>>(&a.value)) r.push_back(g->get());
    if (const auto* gs = std::get_if<std::vector<std::shared_ptr<Graph>>>(&a.value))
      for (const auto& g : *gs) r.push_back(g.get());
  }
  return r;
}

bool Node::has_ref_attrs() const {
  return std::any_of(attrs_.begin(), attrs_.end(), [](const Attribute& a) { return a.is_ref(); });
}

Graph& Graph::root() {
  Graph* g = this;
  while (g->outer()) g = g->outer();
  return *g;
}

std::vector<Value*> Graph::constants() const {
  std::vector<Value*> r;
  for (Value* v : constants_)
    if (!v->erased_ && v->graph_ == this && v->constant_) r.push_back(v);
  return r;
}

void Graph::for_each_value(const std::function<void(Value&)>& f) const {
  for (Value* v : inputs_) f(*v);
  for (Value* v : constants())
    if (!v->is_input_) f(*v);
  for (Node& n : nodes())
    for (Value* v : n.outputs_)
      if (v) f(*v);
}

bool Graph::is_before(const Node& a, const Node& b) const { return a.order_ < b.order_; }

// ---- creation

Value& Graph::new_value() {
  Value& v = model_->values_.make();
  v.id_ = model_->next_id();
  v.graph_ = this;
  return v;
}

Node& Graph::new_node(const OpSchema& op, std::vector<Value*> in, Attrs attrs, std::size_t num_outputs) {
  Node& n = model_->nodes_.make();
  n.id_ = model_->next_id();
  n.graph_ = this;
  n.op_ = &op;
  n.attrs_ = std::move(attrs);
  n.inputs_ = std::move(in);
  n.use_slots_.resize(n.inputs_.size());
  for (std::uint32_t i = 0; i < n.inputs_.size(); ++i)
    if (n.inputs_[i]) add_use(*n.inputs_[i], n, i);
  n.outputs_.reserve(num_outputs);
  for (std::size_t i = 0; i < num_outputs; ++i) add_node_output(n);
  return n;
}

Value& Graph::add_input(std::string value_name, Type type) {
  Value& v = new_value();
  v.set_name(std::move(value_name), true);
  v.type = std::move(type);
  v.is_input_ = true;
  inputs_.push_back(&v);
  return v;
}

void Graph::add_output(Value& v) {
  ++v.output_uses_;
  outputs_.push_back(&v);
}

Value& Graph::add_constant(std::string_view name_hint, Tensor t) {
  Value& v = new_value();
  v.set_name(std::string(name_hint));
  set_constant(v, std::move(t));
  return v;
}

Node& Graph::append(const OpSchema& op, std::vector<Value*> in, Attrs attrs, std::size_t num_outputs) {
  Node& n = new_node(op, std::move(in), std::move(attrs), num_outputs);
  link(n, nullptr);
  return n;
}

Node& Graph::insert_before(Node& at, const OpSchema& op, std::vector<Value*> in, Attrs attrs, std::size_t num_outputs) {
  Node& n = new_node(op, std::move(in), std::move(attrs), num_outputs);
  link(n, &at);
  return n;
}

Value& Graph::add_node_output(Node& n) {
  Value& v = new_value();
  v.graph_ = n.graph_;
  v.producer_ = &n;
  v.output_index_ = static_cast<std::uint32_t>(n.outputs_.size());
  n.outputs_.push_back(&v);
  return v;
}

void Graph::add_omitted_output(Node& n) { n.outputs_.push_back(nullptr); }

void Graph::set_output_omitted(Node& n, std::size_t i) {
  Value* v = n.outputs_[i];
  if (!v) return;
  ONNXOPT_CHECK(v->unused(), "omitting a used output");
  mark_erased(*v);
  n.outputs_[i] = nullptr;
  while (!n.outputs_.empty() && !n.outputs_.back()) n.outputs_.pop_back();
}

void Graph::adopt_subgraph(Node& n, std::string attr_name, std::shared_ptr<Graph> sub) {
  sub->parent_ = &n;
  if (!std::exchange(n.holds_subgraphs_, true)) ++n.graph_->holders_;
  Attribute* a = n.attrs_.find(attr_name);
  if (a && std::holds_alternative<std::vector<std::shared_ptr<Graph>>>(a->value)) {
    std::get<std::vector<std::shared_ptr<Graph>>>(a->value).push_back(std::move(sub));
    return;
  }
  n.attrs_.set(std::move(attr_name), std::move(sub));
}

// ---- def-use

void Graph::add_use(Value& v, Node& n, std::uint32_t i) {
  n.use_slots_[i] = static_cast<std::uint32_t>(v.uses_.size());
  v.uses_.push_back({&n, i});
}

// Swap-remove in O(1): the last use takes the freed slot and its node learns the new position.
void Graph::drop_use(Node& n, std::uint32_t i) {
  Value* v = n.inputs_[i];
  if (!v) return;
  const std::uint32_t slot = n.use_slots_[i];
  const Use moved = v->uses_.back();
  v->uses_[slot] = moved;
  moved.node->use_slots_[moved.index] = slot;
  v->uses_.pop_back();
}

void Graph::set_input(Node& n, std::size_t i, Value* v) {
  if (i >= n.inputs_.size()) {
    n.inputs_.resize(i + 1, nullptr);
    n.use_slots_.resize(i + 1, 0);
  }
  const auto index = static_cast<std::uint32_t>(i);
  drop_use(n, index);
  n.inputs_[i] = v;
  if (v) add_use(*v, n, index);
}

void Graph::resize_inputs(Node& n, std::size_t count) {
  for (std::size_t i = count; i < n.inputs_.size(); ++i) drop_use(n, static_cast<std::uint32_t>(i));
  n.inputs_.resize(count);
  n.use_slots_.resize(count);
}

// Graph outputs that are `from` become `to`, in the graphs that list it.
void Graph::move_output_uses(Value& from, Value& to, std::size_t& inserted) {
  const bool can_rename = to.graph_ == this && !to.is_graph_output() && !to.is_input_ &&
                          (to.producer_ || (to.constant_ && model_->ir_version >= 4)) && !is_sparse_constant(to);
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (outputs_[i] != &from) continue;
    Value* target = &to;
    if (!can_rename && (from.graph_ == this || to.graph_ != this)) {
      // `to` has a public name of its own (or lives outside): the output keeps its name through a copy.
      Node& copy = append(op("Identity"), {&to});
      copy.name = std::string(from.name_);
      target = copy.outputs_[0];
      target->type = to.type;
      ++inserted;
    }
    if (from.graph_ == this && target != &from && from.output_uses_ == 1) {
      std::swap(from.name_, target->name_);
      std::swap(from.name_from_file_, target->name_from_file_);
      if (from.extra_) {  // the declared type and notes of a public output stay with its name
        const auto record = target->extra_ ? target->extra_->constant_node : nullptr;
        target->extra_ = std::move(from.extra_);
        target->extra_->constant_node = target->constant_ ? record : nullptr;
      }
    }
    --from.output_uses_;
    ++target->output_uses_;
    outputs_[i] = target;
  }
}

std::size_t Graph::replace_all_uses(Value& from, Value& to) {
  if (&from == &to) return 0;
  while (!from.uses_.empty()) {
    const Use u = from.uses_.back();
    set_input(*u.node, u.index, &to);
  }
  std::size_t inserted = 0;
  if (from.output_uses_ > 0) from.graph_->move_output_uses(from, to, inserted);
  if (from.output_uses_ > 0)  // a subgraph lists the outer value as its output directly
    for_each_graph(*from.graph_, [&](Graph& g) {
      if (&g != from.graph_ && from.output_uses_ > 0) g.move_output_uses(from, to, inserted);
    });
  return inserted;
}

// ---- removal

void Graph::mark_erased(Value& v) {
  v.erased_ = true;
  model_->erased_values_.push_back(&v);
}

void Graph::erase(Node& n) {
  ONNXOPT_CHECK(!n.erased_, "node erased twice");
  for (Graph* sub : n.subgraphs()) {
    for (Value* v : sub->outputs_) --v->output_uses_;
    sub->outputs_.clear();
    while (sub->last_) sub->erase(*sub->last_);
  }
  for (std::uint32_t i = 0; i < n.inputs_.size(); ++i) drop_use(n, i);
  n.inputs_.clear();
  n.use_slots_.clear();
  for (Value* v : n.outputs_) {
    if (!v) continue;
    ONNXOPT_CHECK(v->unused(), fmt::format("erasing node '{}' ({}) whose output '{}' is used", n.name, n.op().name, v->name_));
    mark_erased(*v);
  }
  unlink(n);
  n.erased_ = true;
  model_->erased_nodes_.push_back(&n);
}

void Graph::erase_value(Value& v) {
  ONNXOPT_CHECK(v.unused() && !v.producer_, "erasing a value that is in use");
  if (v.is_input_) std::erase(inputs_, &v);
  v.is_input_ = false;
  if (v.constant_) ++v.graph_->dead_constants_;
  mark_erased(v);
  if (v.graph_->dead_constants_ > 64 && v.graph_->dead_constants_ * 2 > v.graph_->constants_.size()) {  // amortised sweep
    auto& list = v.graph_->constants_;
    std::erase_if(list, [&](Value* c) { return c->erased_ || c->graph_ != v.graph_ || !c->constant_; });
    v.graph_->dead_constants_ = 0;
  }
}

void Graph::erase_unused_constants() {
  for (Value* v : constants())
    if (v->unused() && !v->is_input_) erase_value(*v);
}

void Graph::free_contents(Node& n) {
  n.attrs_ = Attrs();
  n.extra_.reset();
  n.lift_record.reset();
  n.outputs_ = {};
  n.name = std::string();
}

void Graph::free_contents(Value& v) {
  v.constant_ = Tensor();
  v.extra_.reset();
  v.known.reset();
  v.uses_ = {};
}

void Graph::set_constant(Value& v, Tensor t) {
  ONNXOPT_CHECK(!v.producer_, "a node's output cannot be made a constant");
  v.type = Type::tensor(t.dtype(), t.dims());
  v.known.reset();
  if (!v.constant_) constants_.push_back(&v);
  v.constant_ = std::move(t);
}

void Graph::clear_constant(Value& v) {
  ONNXOPT_CHECK(v.is_input_, "only an input can stop being a constant");
  v.constant_ = Tensor();
  std::erase(constants_, &v);
}

void Graph::remove_input(std::size_t i) {
  Value* v = inputs_[i];
  inputs_.erase(inputs_.begin() + static_cast<std::ptrdiff_t>(i));
  v->is_input_ = false;
  if (v->constant_) return;
  ONNXOPT_CHECK(v->unused(), fmt::format("removing input '{}' that is in use", v->name_));
  mark_erased(*v);
}

void Graph::replace_output(std::size_t i, Value& v) {
  --outputs_[i]->output_uses_;
  outputs_[i] = &v;
  ++v.output_uses_;
}

void Graph::remove_output(std::size_t i) {
  --outputs_[i]->output_uses_;
  outputs_.erase(outputs_.begin() + static_cast<std::ptrdiff_t>(i));
}

}  // namespace onnxopt
