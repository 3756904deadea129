// An If whose branches give different types: what follows is inferred once for each branch, and the results are joined value by value. So a rank that
// an If loses and a later one, which asks for that rank, restores is known behind both; and a case in which a node contradicts itself has no say in
// what comes of that node, since no run that takes it gets there.
#include <algorithm>
#include <functional>
#include <utility>

#include "ir/ops/infer_driver.h"
#include "ir/ops/infer_state.h"
#include "ir/ops/infer_util.h"

namespace onnxopt {
namespace {

constexpr int kMaxCases = 2;                    // an If within the case of another one, no deeper: every level doubles the work
constexpr std::int64_t kMaxCaseNodes = 50'000;  // of all cases of one driver
constexpr int kMaxAssumed = 16;                 // steps from an If's condition back to what it is made of

using Known = std::unique_ptr<std::vector<Dim>>;

Known copy_of(const Known& k) { return k ? std::make_unique<std::vector<Dim>>(*k) : nullptr; }

struct State {
  Type type;
  Known known;
  bool impossible = false;
};

std::vector<State> state_of(const InferDriver& driver, const std::vector<Value*>& values) {
  std::vector<State> r;
  r.reserve(values.size());
  for (const Value* v : values) r.push_back({v->type, copy_of(v->known), driver.is_impossible(*v)});
  return r;
}

// Do the branches give what one type cannot express: a kind, a rank, a length or elements that are numbers, and differ.
bool differ(const Value& a, const Value& b) {
  if (a.type.kind != b.type.kind) return a.type.kind != Type::Kind::unknown && b.type.kind != Type::Kind::unknown;
  if (!a.type.has_rank() || !b.type.has_rank()) return false;
  if (a.type.rank() != b.type.rank()) return true;
  const auto unequal = [](const Dim& x, const Dim& y) { return x.is_value() && y.is_value() && !(x == y); };
  if (!std::equal(a.type.shape->begin(), a.type.shape->end(), b.type.shape->begin(), std::not_fn(unequal))) return true;
  return a.known && b.known && !(*a.known == *b.known);
}

bool is_known(const Value& condition) {
  return condition.constant() || (condition.known && condition.known->size() == 1 && (*condition.known)[0].is_value());
}

bool worth_splitting(const InferDriver& driver, const Node& n) {
  if (!n.is("If") || n.inputs().empty() || !n.input(0) || is_known(*n.input(0)) || driver.is_impossible(*n.input(0))) return false;
  const std::vector<Graph*> branches = n.subgraphs();
  if (branches.size() != 2 || branches[0]->outputs().size() != branches[1]->outputs().size()) return false;
  for (std::size_t i = 0; i < branches[0]->outputs().size(); ++i) {
    const Value *a = branches[0]->outputs()[i], *b = branches[1]->outputs()[i], *out = n.output(i);
    if (out && !out->unused() && !driver.is_impossible(*a) && !driver.is_impossible(*b) && differ(*a, *b)) return true;
  }
  return false;
}

std::int64_t count_nodes(const Graph& g, std::int64_t limit);
// Of the node and of what follows it in its graph, bodies included, up to `limit`.
std::int64_t count_from(const Node* n, std::int64_t limit) {
  std::int64_t count = 0;
  for (; n && count < limit; n = n->next()) {
    ++count;
    for (const Graph* g : n->subgraphs()) count += count_nodes(*g, limit - count);
  }
  return count;
}
std::int64_t count_nodes(const Graph& g, std::int64_t limit) { return count_from(g.first(), limit); }

// A truth value is assumed, and with it those that it is made of.
class Assumption {
 public:
  Assumption(Value& condition, bool holds) { assume(condition, holds); }
  ~Assumption() {
    for (auto it = kept_.rbegin(); it != kept_.rend(); ++it) it->first->known = std::move(it->second);
  }
  Assumption(const Assumption&) = delete;
  Assumption& operator=(const Assumption&) = delete;

 private:
  void assume(Value& v, bool holds) {
    if (v.constant() || kept_.size() >= kMaxAssumed) return;
    kept_.emplace_back(&v, std::move(v.known));
    v.known = std::make_unique<std::vector<Dim>>(1, Dim(holds ? 1 : 0));
    const Node* n = v.producer();
    if (!n) return;
    const auto back = [&](std::size_t i, bool value) {
      if (Value* in = n->input(i); in && in->type.is_tensor() && in->type.dtype == DType::boolean) assume(*in, value);
    };
    if (n->is("Identity") || n->is("Cast") || n->is("Squeeze") || n->is("Unsqueeze") || n->is("Reshape")) back(0, holds);
    if (n->is("Not")) back(0, !holds);
    if ((n->is("And") && holds) || (n->is("Or") && !holds)) {
      back(0, holds);
      back(1, holds);
    }
  }
  std::vector<std::pair<Value*, Known>> kept_;
};

// Both say something true of one dim.
Dim sharper(const SymbolTable& symbols, Dim a, Dim b) {
  if (b.is_value() || a.is_unknown()) return b;
  return !a.is_value() && !b.is_unknown() && symbols.is_anonymous(a) && !symbols.is_anonymous(b) ? b : a;
}

// Both say something true of one value.
void sharpen(const SymbolTable& symbols, State& a, const State& b) {
  if (b.type.kind == Type::Kind::unknown) return;
  if (a.type.kind == Type::Kind::unknown) a.type = b.type;
  if (a.type.kind != b.type.kind) return;
  if (a.type.dtype == DType::undefined) a.type.dtype = b.type.dtype;
  if (!a.type.shape) a.type.shape = b.type.shape;
  if (a.type.shape && b.type.shape && a.type.shape->size() == b.type.shape->size())
    for (std::size_t i = 0; i < a.type.shape->size(); ++i) (*a.type.shape)[i] = sharper(symbols, (*a.type.shape)[i], (*b.type.shape)[i]);
  if (!b.known || (a.known && a.known->size() != b.known->size())) return;
  if (!a.known) a.known = copy_of(b.known);
  for (std::size_t i = 0; i < a.known->size(); ++i) (*a.known)[i] = sharper(symbols, (*a.known)[i], (*b.known)[i]);
}

// What holds in both cases.
State join(State a, State b) {
  if (a.impossible != b.impossible) return a.impossible ? std::move(b) : std::move(a);
  State r{infer_util::common_type(a.type, b.type), nullptr, a.impossible};
  if (!a.known || !b.known || a.known->size() != b.known->size()) return r;
  bool any = false;
  for (std::size_t i = 0; i < a.known->size(); ++i) {
    Dim& d = (*a.known)[i];
    if (!same(d, (*b.known)[i])) d = Dim();
    any = any || !d.is_unknown();
  }
  if (any) r.known = std::move(a.known);
  return r;
}

void put(SymbolTable& symbols, Value& v, State state) {
  if (state.type.is_tensor() && state.type.shape)
    for (std::size_t axis = 0; axis < state.type.shape->size(); ++axis)
      if ((*state.type.shape)[axis].is_unknown()) (*state.type.shape)[axis] = symbols.stable(v.id(), static_cast<std::uint32_t>(axis));
  v.type = std::move(state.type);
  v.known = std::move(state.known);
}

}  // namespace

void InferDriver::split_cases(Node* first) {
  if (cases_ >= kMaxCases || dead_ > 0) return;
  for (Node* n = first; n && case_nodes_ < kMaxCaseNodes; n = n->next())
    if (worth_splitting(*this, *n)) split_case(*n);
}

void InferDriver::infer_case(Node& branching, bool taken) {
  const Assumption assumption(*branching.input(0), taken);
  ++cases_;
  for (Node* n = &branching; n; n = n->next()) node(*n);
  split_cases(branching.next());
  --cases_;
}

void InferDriver::split_case(Node& branching) {
  const std::int64_t left = kMaxCaseNodes - case_nodes_, count = count_from(&branching, left);
  case_nodes_ += std::max<std::int64_t>(count, 1) * (2 * count > left ? 1 : 2);
  if (2 * count > left) return;
  std::vector<Value*> values;
  for (const Node* n = &branching; n; n = n->next()) collect_values(*n, values);
  std::vector<State> before = state_of(*this, values);
  infer_case(branching, true);
  std::vector<State> first = state_of(*this, values);
  infer_case(branching, false);
  std::vector<State> second = state_of(*this, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const State joined = join(std::move(first[i]), std::move(second[i]));
    const bool impossible = before[i].impossible || joined.impossible;
    sharpen(model_.symbols(), before[i], joined);
    put(model_.symbols(), *values[i], std::move(before[i]));
    set_impossible(*values[i], impossible);
  }
  ++cases_;
  for (Node* n = &branching; n; n = n->next()) infer_again(*n);
  --cases_;
}

// What was joined value by value has lost how values hang together (the elements of a Shape, and the dims that it reads): once more, node by node.
void InferDriver::infer_again(Node& n) {
  const std::vector<Graph*> bodies = n.subgraphs();
  for (const Graph* g : bodies)
    for (Node& inner : g->nodes()) infer_again(inner);
  if (!bodies.empty()) return;
  std::vector<Value*> values;
  collect_values(n, values);
  const std::vector<State> joined = state_of(*this, values);
  node(n);
  std::vector<State> again = state_of(*this, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    sharpen(model_.symbols(), again[i], joined[i]);
    put(model_.symbols(), *values[i], std::move(again[i]));
    set_impossible(*values[i], joined[i].impossible);
  }
}

}  // namespace onnxopt
