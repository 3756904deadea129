#include <algorithm>

#include "ir/core/element.h"
#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "passes/opset/opset.h"
#include "tests/tools/fuzz_mutations.h"

namespace onnxopt::fuzz {
namespace {

using ValueMap = std::unordered_map<const Value*, Value*>;

Value* mapped(const ValueMap& map, Value* v) {
  const auto it = map.find(v);
  return it == map.end() ? v : it->second;
}

void erase_nodes(Graph& g, const std::vector<Node*>& nodes) {
  for (auto n = nodes.rbegin(); n != nodes.rend(); ++n) g.erase(**n);
}

// The main graph as a body; some constants stay outside and are captured. `old` gets what the main graph consists of now.
std::shared_ptr<Graph> as_body(Model& m, std::vector<Node*>& old, Random& random) {
  Graph& g = m.graph();
  for (Node& n : g.nodes()) old.push_back(&n);
  auto body = std::make_shared<Graph>(m);
  body->name = "body";
  ValueMap map;
  clone_nodes(g, *body, nullptr, map);
  for (Value* v : g.constants()) {
    const bool captured = v->is_graph_input() || random.below(3) == 0;
    if (!captured || map.find(v) == map.end() || map[v] == v) continue;
    Value* copy = map[v];
    body->replace_all_uses(*copy, *v);
    map[v] = v;
  }
  for (Value* v : g.outputs()) {
    Value* inner = mapped(map, v);
    if (inner->graph() != body.get() || inner->constant()) {
      inner = body->append(*row(m, "Identity"), {inner}).output();
      inner->type = v->type;
    }
    body->add_output(*inner);
  }
  return body;
}

void take_over(Graph& g, Node& holder, const std::vector<Node*>& old) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < g.outputs().size(); ++i) {
    names.push_back(g.outputs()[i]->name());
    g.replace_output(i, *holder.output(i));
  }
  erase_nodes(g, old);
  for (std::size_t i = 0; i < names.size(); ++i) g.outputs()[i]->set_name(names[i] + "_of_body");
}

bool can_be_body(Model& m) {
  for (Value* v : m.graph().outputs())
    if (!v->type.is_tensor()) return false;
  return !m.graph().outputs().empty() && m.graph().first();
}

bool into_if(Model& m, MutationContext& c) {
  const OpSchema* op = row(m, "If");
  if (!op || !can_be_body(m)) return false;
  Graph& g = m.graph();
  std::vector<Node*> old, again;
  const auto body = as_body(m, old, c.random);
  std::shared_ptr<Graph> other = as_body(m, again, c.random);
  Value& condition = g.add_input("condition", {});
  set_input_type(condition, Type::tensor(DType::boolean, Dims{}));
  Node& n = g.append(*op, {&condition}, {}, g.outputs().size());
  g.adopt_subgraph(n, "then_branch", body);
  if (Node* first = other->first(); first && c.random.below(2) == 0 && !first->inputs().empty() && first->input(0) && other->outputs().size() == 1 &&
                                    other->outputs()[0]->type.dtype == first->input(0)->type.dtype && first->input(0)->graph() != other.get())
    other->replace_output(0, *other->append(*row(m, "Identity"), {first->input(0)}).output());
  g.adopt_subgraph(n, "else_branch", other);
  take_over(g, n, old);
  return true;
}

bool into_loop(Model& m, MutationContext& c) {
  const OpSchema* op = row(m, "Loop");
  if (!op || !can_be_body(m)) return false;
  Graph& g = m.graph();
  std::vector<Node*> old;
  const auto body = as_body(m, old, c.random);
  Value *turn = &body->add_input("turn", Type::tensor(DType::int64, Dims{})), *go = &body->add_input("go", Type::tensor(DType::boolean, Dims{}));
  for (Value* v : {turn, go}) set_input_type(*v, v->type);
  std::vector<Value*> outputs(body->outputs().begin(), body->outputs().end());
  while (!body->outputs().empty()) body->remove_output(0);
  body->add_output(*body->append(*row(m, "Identity"), {go}).output());
  for (Value* v : outputs) body->add_output(*v);
  Value* turns = nullptr;
  if (c.random.below(2) == 0) turns = &g.add_constant("turns", Tensor::scalar<std::int64_t>(c.random.below(3)));
  else {
    turns = &g.add_input("turns", {});
    set_input_type(*turns, Type::tensor(DType::int64, Dims{}));
  }
  const std::byte yes{1};
  Value& start = g.add_constant("start", Tensor::from_bytes(DType::boolean, {}, {yes}));
  Node& n = g.append(*op, {turns, &start}, {}, outputs.size());
  g.adopt_subgraph(n, "body", body);
  take_over(g, n, old);
  return true;
}

bool into_function(Model& m, MutationContext& c) {
  if (m.ir_version < 8 || !can_be_body(m) || !m.functions.empty()) return false;
  Graph& g = m.graph();
  std::vector<Node*> old;
  for (Node& n : g.nodes()) old.push_back(&n);
  auto f = std::make_unique<Function>();
  f->domain = "local";
  f->name = "Whole";
  f->opsets = f->file_opsets = m.opsets;
  f->body = std::make_unique<Graph>(m);
  f->body->set_function(f.get());
  ValueMap map;
  std::vector<Value*> in;
  for (Value* v : free_inputs(m)) {
    map[v] = &f->body->add_input(v->name(), Type());
    in.push_back(v);
  }
  // Initializers have no place in a function: constants go in as arguments.
  for (Value* v : g.constants()) {
    map[v] = &f->body->add_input("c_" + std::to_string(v->id()), Type());
    in.push_back(v);
  }
  for (Node* n : old) {
    if (!n->subgraphs().empty()) return false;
    std::vector<Value*> inputs;
    for (Value* v : n->inputs()) inputs.push_back(v ? mapped(map, v) : nullptr);
    Node& copy = f->body->append(n->op(), std::move(inputs), n->attrs(), 0);
    for (Value* v : n->outputs())
      if (v) map[v] = &f->body->add_node_output(copy);
      else f->body->add_omitted_output(copy);
  }
  for (Value* v : g.outputs()) {
    Value* inner = mapped(map, v);
    if (!inner->producer()) inner = f->body->append(*row(m, "Identity"), {inner}).output();
    f->body->add_output(*inner);
  }
  m.functions.push_back(std::move(f));
  m.opsets.push_back({"local", 1});
  m.file_opsets.push_back({"local", 1});
  Node& n = g.append(m.opaque_op("local", "Whole", 1), std::move(in), {}, g.outputs().size());
  take_over(g, n, old);
  (void)c;
  return true;
}

bool fits(const Value& from, const Value& input) {
  const Type &a = from.type, &b = input.type;
  if (!a.is_tensor() || !b.is_tensor() || a.dtype != b.dtype) return false;
  if (!a.shape || !b.shape) return true;
  if (a.shape->size() != b.shape->size()) return false;
  for (std::size_t i = 0; i < a.shape->size(); ++i)
    if ((*a.shape)[i].is_value() && (*b.shape)[i].is_value() && !same((*a.shape)[i], (*b.shape)[i])) return false;
  return true;
}

// The other model's types stand in its own table of symbols.
Type carried_over(const Type& t, Model& from, Model& to) {
  Type r = t;
  if (r.shape)
    for (Dim& d : *r.shape)
      if (d.is_symbolic()) d = to.symbols().parse(from.symbols().to_string(d));
  return r;
}

void forget_types(Graph& root) {
  for_each_graph(root, [](Graph& g) {
    for (Node& n : g.nodes()) {
      n.lift_record = nullptr;
      for (Value* v : n.outputs())
        if (v) {
          v->type = {};
          v->known.reset();
          v->clear_extra();
        }
    }
  });
}

bool join(Model& m, MutationContext& c) {
  const std::unique_ptr<Model> other = c.other();
  if (!other || !other->functions.empty() || !m.functions.empty() || other->opset("") != m.opset("") || other->opsets.size() != 1) return false;
  for (Graph* root : {&other->graph()})
    if (root->has_subgraphs()) return false;
  Graph& g = m.graph();
  ValueMap map;
  bool joined = false;
  for (Value* in : free_inputs(*other)) {
    std::vector<Value*> fit;
    for (Value* out : g.outputs())
      if (fits(*out, *in)) fit.push_back(out);
    if (!fit.empty() && (!joined || c.random.below(2) == 0)) {
      map[in] = pick(fit, c.random);
      joined = true;
      continue;
    }
    if (!in->type.is_tensor()) return false;
    Value& v = g.add_input(in->name() + "_second", {});
    set_input_type(v, carried_over(in->type, *other, m));
    map[in] = &v;
  }
  if (!joined) return false;
  std::vector<Value*> outputs;
  for (Node& n : other->graph().nodes())
    if (n.op().has(kOpaque)) return false;
  forget_types(other->graph());
  for (Value* v : other->graph().constants()) v->clear_extra();
  clone_nodes(other->graph(), g, nullptr, map);
  if (c.random.below(2) == 0)  // what joins them need not be seen outside
    while (!g.outputs().empty()) g.remove_output(0);
  int i = 0;
  for (Value* v : other->graph().outputs())
    if (Value* out = mapped(map, v); out->producer() && !out->is_graph_output()) {
      out->set_name("second_" + std::to_string(i++));
      g.add_output(*out);
    }
  return !g.outputs().empty();
}

// ---- types and opsets

Tensor cast_to(const Tensor& t, DType to) {
  std::vector<std::byte> bytes(raw_byte_size(to, t.dims()));
  for (std::int64_t i = 0; i < t.size(); ++i) {
    const double x = load_element<double>(t.dtype(), t.bytes().data(), i);
    if (is_float(to)) store_element<double>(to, bytes.data(), i, x);
    else store_element<std::int64_t>(to, bytes.data(), i, std::abs(x) < 1e9 ? static_cast<std::int64_t>(x) : 0);
  }
  return Tensor::from_bytes(to, t.dims(), std::move(bytes));
}

bool element_type(Model& m, MutationContext& c) {
  static constexpr DType kTo[] = {DType::float16, DType::float16, DType::float64, DType::float64, DType::bfloat16,
                                  DType::int32,   DType::int64,   DType::uint8,   DType::int8};
  const DType from = c.random.below(5) == 0 ? DType::int64 : DType::float32, to = kTo[c.random.below(std::size(kTo))];
  if (from == to) return false;
  bool changed = false;
  for (Value* v : free_inputs(m)) {
    if (!v->type.is_tensor() || v->type.dtype != from) continue;
    Type t = v->type;
    t.dtype = to;
    set_input_type(*v, t);
    changed = true;
  }
  for (Value* v : all_constants(m)) {
    if (v->constant()->dtype() != from || v->constant()->size() > 4096) continue;
    v->graph()->set_constant(*v, cast_to(*v->constant(), to));
    if (v->is_graph_input()) set_input_type(*v, v->type);
  }
  for (Node* n : all_nodes(m)) {
    const std::int64_t* type = n->attrs().get<std::int64_t>("to");
    if (n->is("Cast") && type && *type == static_cast<std::int64_t>(from)) n->mutable_attrs().set("to", static_cast<std::int64_t>(to));
    const Tensor* value = n->attrs().get<Tensor>("value");
    if (value && value->dtype() == from && value->size() < 4096) n->mutable_attrs().set("value", cast_to(*value, to));
  }
  return changed;
}

bool one_input_type(Model& m, MutationContext& c) {
  std::vector<Value*> all = free_inputs(m);
  std::erase_if(all, [](Value* v) { return !v->type.is_tensor(); });
  if (all.empty()) return false;
  static constexpr DType kTo[] = {DType::float16, DType::float32, DType::float64, DType::int32, DType::int64, DType::boolean, DType::uint8};
  Value* v = pick(all, c.random);
  Type t = v->type;
  t.dtype = kTo[c.random.below(std::size(kTo))];
  set_input_type(*v, t);
  return true;
}

bool other_opset(Model& m, MutationContext& c) {
  static constexpr std::int64_t kTo[] = {7, 9, 10, 11, 12, 13, 15, 17, 18, 20, 21, 22, 23, 24};
  const std::int64_t to = kTo[c.random.below(std::size(kTo))];
  lift(m);
  OutputOpsets target = own_opsets(m);
  for (OpsetImport& i : target.imports)
    if (i.domain.empty()) i.version = to;
  lower(m, target);
  m.file_opsets = m.opsets;
  m.ir_version = std::max<std::int64_t>(m.ir_version, ir_version_for_opset(static_cast<int>(to)));
  return true;
}

bool old_ir_version(Model& m, MutationContext& c) {
  if (m.ir_version < 4 || !m.functions.empty()) return false;
  m.ir_version = 3 + c.random.below(m.ir_version - 2);
  return true;
}

bool stale_output_type(Model& m, MutationContext& c) {
  std::vector<Value*> all(m.graph().outputs().begin(), m.graph().outputs().end());
  std::erase_if(all, [](Value* v) { return !v->type.is_tensor() || !v->type.shape || v->type.shape->empty() || v->is_graph_input(); });
  if (all.empty()) return false;
  Value* v = pick(all, c.random);
  v->make_extra().declared = v->type;
  (*v->make_extra().declared.shape)[0] = Dim(7);
  v->make_extra().has_declared = true;
  return true;
}

constexpr MutationKind kKinds[] = {{"into a branch", 2, into_if},
                                   {"into a loop", 2, into_loop},
                                   {"into a function", 2, into_function},
                                   {"join", 8, join},
                                   {"element type", 6, element_type},
                                   {"type of an input", 1, one_input_type},
                                   {"other opset", 4, other_opset},
                                   {"old IR version", 1, old_ir_version},
                                   {"stale type of an output", 1, stale_output_type}};

}  // namespace

std::span<const MutationKind> structure_mutations() { return kKinds; }

}  // namespace onnxopt::fuzz
