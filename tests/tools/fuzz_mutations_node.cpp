#include <algorithm>
#include <array>
#include <numeric>

#include "ir/ops/op_table.h"
#include "tests/tools/fuzz_mutations.h"

namespace onnxopt::fuzz {
namespace {

// ---- attributes

struct Choice {
  std::string_view attr, value;
};
constexpr Choice kStrings[] = {{"auto_pad", "NOTSET"},
                               {"auto_pad", "SAME_UPPER"},
                               {"auto_pad", "SAME_LOWER"},
                               {"auto_pad", "VALID"},
                               {"approximate", "none"},
                               {"approximate", "tanh"},
                               {"mode", "constant"},
                               {"mode", "reflect"},
                               {"mode", "edge"},
                               {"mode", "wrap"},
                               {"mode", "DCR"},
                               {"mode", "CRD"},
                               {"mode", "nearest"},
                               {"mode", "linear"},
                               {"mode", "cubic"},
                               {"coordinate_transformation_mode", "half_pixel"},
                               {"coordinate_transformation_mode", "asymmetric"},
                               {"coordinate_transformation_mode", "align_corners"},
                               {"nearest_mode", "floor"},
                               {"nearest_mode", "ceil"},
                               {"nearest_mode", "round_prefer_ceil"},
                               {"reduction", "none"},
                               {"reduction", "add"},
                               {"reduction", "max"},
                               {"reduction", "mul"},
                               {"direction", "LEFT"},
                               {"direction", "RIGHT"},
                               {"direction", "forward"},
                               {"direction", "reverse"},
                               {"keep_aspect_ratio_policy", "stretch"},
                               {"keep_aspect_ratio_policy", "not_larger"},
                               {"keep_aspect_ratio_policy", "not_smaller"}};

AttrValue other_string(std::string_view attr, Random& random) {
  std::vector<std::string_view> fit;
  for (const Choice& s : kStrings)
    if (s.attr == attr) fit.push_back(s.value);
  return fit.empty() ? AttrValue() : AttrValue(std::string(pick(fit, random)));
}

AttrValue other_int(std::string_view attr, std::int64_t now, Random& random) {
  static constexpr std::string_view kFlags[] = {
      "keepdims",      "transA",         "transB",      "ceil_mode",         "count_include_pad",    "allowzero",
      "fmod",          "largest",        "sorted",      "select_last_index", "noop_with_empty_axes", "exclusive",
      "reverse",       "is_causal",      "interleaved", "antialias",         "exclude_outside",      "storage_order",
      "training_mode", "detect_negative"};
  if (std::find(std::begin(kFlags), std::end(kFlags), attr) != std::end(kFlags)) return AttrValue(std::int64_t{now == 0});
  const std::int64_t choices[] = {now + 1, now - 1, 0, 1, 2, -1, -2, 3};
  return AttrValue(pick(std::span<const std::int64_t>(choices), random));
}

AttrValue other_ints(std::string_view attr, Ints v, Random& random) {
  if (attr == "perm") {
    if (v.size() < 2) return {};
    for (std::size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)))]);
    return v;
  }
  if (v.empty()) return Ints{random.below(2)};
  const auto at = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(v.size())));
  static constexpr std::int64_t kSteps[] = {1, 1, -1, 2};
  switch (random.below(5)) {
    case 0: v.push_back(random.below(3)); break;
    case 1: v.pop_back(); break;
    case 2: std::swap(v[0], v[at]); break;
    default: v[at] += kSteps[random.below(4)];
  }
  return v;
}

AttrValue other_float(float now, Random& random) {
  const float choices[] = {0, 1, -1, 0.5f, 2, -0.0f, now + 0.1f, -now, now * 100, 1e-5f, 1e-12f, 1e30f};
  return AttrValue(pick(std::span<const float>(choices), random));
}

AttrValue other_value(const Node& n, const AttrSpec& spec, Random& random) {
  const Attribute* stated = n.attrs().find(spec.name);
  if (stated && stated->is_ref()) return {};
  switch (spec.type) {
    case AttrType::int_: return other_int(spec.name, n.attr_or<std::int64_t>(spec.name, spec.has_default ? spec.i : 0), random);
    case AttrType::float_: return other_float(n.attr_or<float>(spec.name, spec.has_default ? spec.f : 0), random);
    case AttrType::string: return other_string(spec.name, random);
    case AttrType::ints: {
      Ints v = n.attr_or<Ints>(spec.name, {});
      if (v.empty() && n.input(0) && n.input(0)->type.has_rank()) {
        const std::int64_t rank = n.input(0)->type.rank();
        const bool window = spec.name == "strides" || spec.name == "dilations";
        v.assign(static_cast<std::size_t>(std::max<std::int64_t>(spec.name == "perm"   ? rank
                                                                 : spec.name == "pads" ? 2 * (rank - 2)
                                                                                       : rank - 2,
                                                                 1)),
                 window ? 1 : 0);
        if (spec.name == "perm") std::iota(v.begin(), v.end(), 0);
      }
      return other_ints(spec.name, std::move(v), random);
    }
    default: return {};
  }
}

bool attribute(Model& m, MutationContext& c) {
  std::vector<Node*> nodes = all_nodes(m);
  std::erase_if(nodes, [](Node* n) { return n->op().attrs.empty() || n->is("Constant"); });
  if (nodes.empty()) return false;
  Node& n = *pick(nodes, c.random);
  const AttrSpec& spec = pick(n.op().attrs, c.random);
  if (n.attrs().has(spec.name) && !spec.required && c.random.below(4) == 0) return n.mutable_attrs().remove(spec.name);
  AttrValue v = other_value(n, spec, c.random);
  if (v.index() == 0) return false;
  n.mutable_attrs().set(std::string(spec.name), std::move(v));
  return true;
}

// ---- operands

bool swap_operands(Model& m, MutationContext& c) {
  std::vector<Node*> nodes = all_nodes(m);
  std::erase_if(nodes, [](Node* n) { return n->inputs().size() < 2 || !n->input(0) || !n->input(1) || n->input(0) == n->input(1); });
  if (nodes.empty()) return false;
  Node& n = *pick(nodes, c.random);
  Value *a = n.input(0), *b = n.input(1);
  n.graph()->set_input(n, 0, b);
  n.graph()->set_input(n, 1, a);
  return true;
}

bool same_operand(Model& m, MutationContext& c) {  // x op x
  std::vector<Node*> nodes = all_nodes(m);
  std::erase_if(nodes, [](Node* n) { return n->inputs().size() < 2 || !n->input(0) || !n->input(1) || n->input(0) == n->input(1); });
  if (nodes.empty()) return false;
  Node& n = *pick(nodes, c.random);
  const bool first = c.random.below(2) == 0;
  n.graph()->set_input(n, first, n.input(!first));
  return true;
}

bool drop_optional(Model& m, MutationContext& c) {
  std::vector<std::pair<Node*, std::size_t>> at;
  for (Node* n : all_nodes(m))
    for (std::size_t i = 0; i < n->inputs().size() && i < n->op().inputs.size(); ++i)
      if (n->input(i) && n->op().inputs[i].option == ParamOption::optional) at.emplace_back(n, i);
  if (at.empty()) return false;
  const auto& [n, i] = pick(at, c.random);
  if (i + 1 == n->inputs().size()) n->graph()->resize_inputs(*n, i);
  else n->graph()->set_input(*n, i, nullptr);
  return true;
}

bool rewire(Model& m, MutationContext& c) {  // an operand becomes another value of the same type
  std::vector<Node*> nodes;
  for (Node& n : m.graph().nodes()) nodes.push_back(&n);
  if (nodes.empty()) return false;
  Node& n = *pick(nodes, c.random);
  if (n.inputs().empty()) return false;
  const auto i = static_cast<std::size_t>(c.random.below(static_cast<std::int64_t>(n.inputs().size())));
  if (!n.input(i)) return false;
  std::vector<Value*> fit;
  m.graph().for_each_value([&](Value& v) {
    if (&v != n.input(i) && v.type == n.input(i)->type && (!v.producer() || m.graph().is_before(*v.producer(), n))) fit.push_back(&v);
  });
  if (fit.empty()) return false;
  m.graph().set_input(n, i, pick(fit, c.random));
  return true;
}

// ---- nodes

Value& scalar(Graph& g, const Type& like, double x, bool as_list) {
  const Tensor one = Tensor::of<float>(as_list ? Dims{1} : Dims{}, std::vector<float>{static_cast<float>(x)});
  (void)like;
  return g.add_constant("put_in", one);
}

struct Unary {
  const char* op;
  bool float_only;
};
constexpr Unary kUnary[] = {{"Identity", false}, {"Relu", true},       {"Neg", true},     {"Abs", true},        {"Sigmoid", true}, {"Exp", true},
                            {"Sqrt", true},      {"Transpose", false}, {"Softmax", true}, {"Erf", true},        {"Tanh", true},    {"Floor", true},
                            {"Dropout", true},   {"Flatten", false},   {"Clip", true},    {"Reciprocal", true}, {"Log", true}};
constexpr const char* kWithScalar[] = {"Mul", "Add", "Div", "Sub", "Pow", "Max", "Min"};

// A node in front of `at` that reads v; null: none fits.
Value* apply_something(Model& m, Graph& g, Node* at, Value& v, Random& random) {
  const bool is_float_tensor = v.type.is_tensor() && v.type.dtype == DType::float32;
  const auto put = [&](const OpSchema& op, std::vector<Value*> in, Attrs attrs = {}) -> Value* {
    Node& n = at ? g.insert_before(*at, op, std::move(in), std::move(attrs)) : g.append(op, std::move(in), std::move(attrs));
    return n.output();
  };
  const auto kind = random.below(10);
  if (kind < 3 && is_float_tensor) {
    const OpSchema* op = row(m, kWithScalar[random.below(std::size(kWithScalar))]);
    static constexpr double kScalars[] = {0, 1, 2, 0.5, -1, 3, 6, 1e-5};
    Value& s = scalar(g, v.type, kScalars[random.below(std::size(kScalars))], random.below(3) == 0);
    if (!op) return nullptr;
    return random.below(2) == 0 ? put(*op, {&v, &s}) : put(*op, {&s, &v});
  }
  if (kind == 3 && v.type.is_tensor() && is_float(v.type.dtype)) {
    static constexpr std::int64_t kTypes[] = {1, 10, 11, 16, 6, 7, 1};
    Value* there = put(*row(m, "Cast"), {&v}, {{"to", kTypes[random.below(std::size(kTypes))]}});
    return put(*row(m, "Cast"), {there}, {{"to", static_cast<std::int64_t>(v.type.dtype)}});
  }
  if (kind == 4 && m.opset("") >= 13 && v.type.has_rank()) {
    Value& axes = g.add_constant("axes", Tensor::int64s({random.below(v.type.rank() + 1)}));
    Value* there = put(*row(m, "Unsqueeze"), {&v, &axes});
    return random.below(2) == 0 ? there : put(*row(m, "Squeeze"), {there, &axes});
  }
  if (kind == 5 && m.opset("") >= 5) {
    static const std::vector<std::vector<std::int64_t>> kShapes = {{-1}, {0, -1}, {-1, 1}, {1, -1}, {0, 0, -1}, {-1, 2}};
    return put(*row(m, "Reshape"), {&v, &g.add_constant("shape", Tensor::int64s(pick(kShapes, random)))});
  }
  const Unary& u = kUnary[random.below(std::size(kUnary))];
  const OpSchema* op = row(m, u.op);
  if (!op || (u.float_only && !is_float_tensor)) return nullptr;
  Attrs attrs;
  if (std::string_view(u.op) == "Transpose" && v.type.has_rank() && v.type.rank() >= 2) {
    Ints perm(static_cast<std::size_t>(v.type.rank()));
    std::iota(perm.begin(), perm.end(), 0);
    std::swap(perm[static_cast<std::size_t>(random.below(v.type.rank()))], perm[perm.size() - 1]);
    attrs.set("perm", perm);
  }
  if (std::string_view(u.op) == "Clip" && m.opset("") < 11) attrs.set("min", 0.0f);
  if (std::string_view(u.op) == "Clip" && m.opset("") >= 11)
    return put(*op, {&v, &scalar(g, v.type, random.below(2) ? 0 : -1, false), &scalar(g, v.type, random.below(2) ? 6 : 1, false)});
  return put(*op, {&v}, std::move(attrs));
}

bool insert(Model& m, MutationContext& c) {  // on one edge
  std::vector<std::pair<Node*, std::size_t>> edges;
  for (Node* n : all_nodes(m))
    for (std::size_t i = 0; i < n->inputs().size(); ++i)
      if (n->input(i)) edges.emplace_back(n, i);
  if (edges.empty()) return false;
  const auto& [n, i] = pick(edges, c.random);
  Value* put = apply_something(m, *n->graph(), n, *n->input(i), c.random);
  if (!put) return false;
  n->graph()->set_input(*n, i, put);
  return true;
}

std::vector<Value*> inner_values(Model& m) {
  std::vector<Value*> r;
  for (Node& n : m.graph().nodes())
    for (Value* v : n.outputs())
      if (v) r.push_back(v);
  return r;
}

bool append(Model& m, MutationContext& c) {  // after an output of the graph
  if (m.graph().outputs().empty()) return false;
  const auto i = static_cast<std::size_t>(c.random.below(static_cast<std::int64_t>(m.graph().outputs().size())));
  Value* put = apply_something(m, m.graph(), nullptr, *m.graph().outputs()[i], c.random);
  if (!put) return false;
  put->set_name("appended");
  m.graph().replace_output(i, *put);
  return true;
}

bool also_output(Model& m, MutationContext& c) {
  std::vector<Value*> all = inner_values(m);
  std::erase_if(all, [](Value* v) { return v->is_graph_output(); });
  if (all.empty()) return false;
  m.graph().add_output(*pick(all, c.random));
  return true;
}

bool second_reader(Model& m, MutationContext& c) {
  const std::vector<Value*> all = inner_values(m);
  if (all.empty()) return false;
  Value* put = apply_something(m, m.graph(), nullptr, *pick(all, c.random), c.random);
  if (!put) return false;
  put->set_name("second_reader");
  m.graph().add_output(*put);
  return true;
}

bool reader_in_branch(Model& m, MutationContext& c) {
  std::vector<Value*> all = inner_values(m);
  std::erase_if(all, [](Value* v) { return !v->type.is_tensor(); });
  const OpSchema* op = row(m, "If");
  if (all.empty() || !op) return false;
  Graph& g = m.graph();
  Value& condition = g.add_input("condition", {});
  set_input_type(condition, Type::tensor(DType::boolean, Dims{}));
  Value* read = pick(all, c.random);
  Node& n = g.append(*op, {&condition});
  n.output()->set_name("of_branch");
  for (const char* name : {"then_branch", "else_branch"}) {
    auto sub = std::make_shared<Graph>(m);
    sub->name = name;
    Node& copy = sub->append(*row(m, "Identity"), {read});
    copy.output()->type = read->type;
    Value* out = copy.output();
    if (std::string_view(name) == "else_branch")
      if (Value* more = apply_something(m, *sub, nullptr, *out, c.random)) out = more;
    sub->add_output(*out);
    g.adopt_subgraph(n, name, sub);
  }
  g.add_output(*n.output());
  return true;
}

bool bypass(Model& m, MutationContext& c) {  // what a node reads takes the place of what it makes
  std::vector<Node*> nodes;
  for (Node& n : m.graph().nodes())
    if (n.outputs().size() == 1 && !n.output()->is_graph_output() && !n.inputs().empty() && n.input(0)) nodes.push_back(&n);
  if (nodes.empty()) return false;
  Node& n = *pick(nodes, c.random);
  m.graph().replace_all_uses(*n.output(), *n.input(0));
  m.graph().erase(n);
  return true;
}

bool other_operator(Model& m, MutationContext& c) {
  static constexpr std::array<std::string_view, 6> kGroups[] = {{"Add", "Sub", "Mul", "Div", "Pow", ""},
                                                                {"Max", "Min", "Mean", "Sum", "", ""},
                                                                {"Relu", "Neg", "Abs", "Sigmoid", "Identity", "Exp"},
                                                                {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceProd"},
                                                                {"Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Equal", ""},
                                                                {"Softmax", "LogSoftmax", "Hardmax", "", "", ""},
                                                                {"MaxPool", "AveragePool", "LpPool", "", "", ""},
                                                                {"And", "Or", "Xor", "", "", ""}};
  const std::vector<Node*> nodes = all_nodes(m);
  if (nodes.empty()) return false;
  Node& n = *pick(nodes, c.random);
  for (const auto& group : kGroups) {
    if (!n.op().domain.empty() || std::find(group.begin(), group.end(), n.op().name) == group.end()) continue;
    const std::string_view name = group[static_cast<std::size_t>(c.random.below(6))];
    const OpSchema* op = name.empty() || name == n.op().name ? nullptr : row(m, name);
    if (!op) return false;
    n.set_op(*op);
    return true;
  }
  return false;
}

bool output_of_input(Model& m, MutationContext& c) {  // an input or a constant is handed out as it is
  const std::vector<Value*> inputs = free_inputs(m), constants = m.graph().constants();
  const std::vector<Value*>& from = c.random.below(2) == 0 ? inputs : constants;
  if (from.empty()) return false;
  Value* v = pick(from, c.random);
  if (v->is_graph_output()) return false;
  m.graph().add_output(*v);
  return true;
}

constexpr MutationKind kKinds[] = {{"attribute", 16, attribute},
                                   {"swap operands", 5, swap_operands},
                                   {"same operand twice", 3, same_operand},
                                   {"drop an optional input", 3, drop_optional},
                                   {"rewire", 4, rewire},
                                   {"insert a node", 8, insert},
                                   {"append a node", 4, append},
                                   {"inner value is an output too", 5, also_output},
                                   {"second reader", 5, second_reader},
                                   {"reader in a branch", 3, reader_in_branch},
                                   {"bypass a node", 3, bypass},
                                   {"other operator", 4, other_operator},
                                   {"input or constant is an output", 1, output_of_input}};

}  // namespace

std::span<const MutationKind> node_mutations() { return kKinds; }

}  // namespace onnxopt::fuzz
