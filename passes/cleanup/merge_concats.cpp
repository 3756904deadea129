// a = Concat <axis> (p, q);  y = Concat <axis> (a, r)  ==>  y = Concat <axis> (p, q, r)      a used once
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

std::optional<std::int64_t> axis_of(const Node& n) {
  const auto axis = n.attr<std::int64_t>("axis");
  const auto rank = rank_of(n.output());
  return rank ? normalize_axis(axis, *rank) : std::optional<std::int64_t>(axis);
}

// The Concat along the same axis that makes `v`, and that only `n` reads; null: there is none.
const Node* taken_in(const Node& n, const Value& v) {
  const Node* inner = v.used_once() ? made_by(&v, "Concat") : nullptr;
  return inner && axis_of(*inner) == axis_of(n) && inner->graph() == n.graph() ? inner : nullptr;
}

// A later Concat will take `n` in. A chain of them is then merged at its end, once, and not again at each of its nodes.
bool is_inner(const Node& n, const Rewriter& rw) {
  const Value& y = *n.output();
  if (!y.used_once() || y.is_graph_output() || n.kept) return false;
  const Node& user = *y.uses()[0].node;
  return user.is("Concat") && !user.kept && !rw.context().is_kept(user) && plain(user) && taken_in(user, y) == &n;
}

bool visit(const Node& n, Rewriter& rw) {
  if (is_inner(n, rw)) return no(rw, "the Concat behind takes it in");
  std::vector<Value*> in, open(n.inputs().rbegin(), n.inputs().rend());
  bool found = false;
  while (!open.empty()) {
    Value* v = open.back();
    open.pop_back();
    if (const Node* inner = taken_in(n, *v)) {
      open.insert(open.end(), inner->inputs().rbegin(), inner->inputs().rend());
      found = true;
    } else {
      in.push_back(v);
    }
  }
  return found ? becomes(n, rw, rw.op("Concat", in, n.attrs())) : no(rw, "no input is a Concat along the same axis that is used once");
}

}  // namespace

NodeRule merge_concats() { return {"merge-concats", "One Concat for a tree of them", "Concat", Level::o1, visit}; }

}  // namespace onnxopt
