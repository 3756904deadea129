// a = Concat <axis> (p, q);  y = Concat <axis> (a, r)  ==>  y = Concat <axis> (p, q, r)      a used once
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

std::optional<std::int64_t> axis_of(const Node& n) {
  const auto axis = n.attr<std::int64_t>("axis");
  const auto rank = rank_of(n.output());
  return rank ? normalize_axis(axis, *rank) : std::optional<std::int64_t>(axis);
}

bool visit(const Node& n, Rewriter& rw) {
  std::vector<Value*> in;
  bool found = false;
  for (Value* v : n.inputs()) {
    const Node* inner = v->used_once() ? made_by(v, "Concat") : nullptr;
    if (!inner || axis_of(*inner) != axis_of(n) || inner->graph() != n.graph()) {
      in.push_back(v);
      continue;
    }
    in.insert(in.end(), inner->inputs().begin(), inner->inputs().end());
    found = true;
  }
  return found ? becomes(n, rw, rw.op("Concat", in, n.attrs())) : no(rw, "no input is a Concat along the same axis that is used once");
}

}  // namespace

NodeRule merge_concats() { return {"merge-concats", "One Concat for a tree of them", "Concat", Level::o1, visit}; }

}  // namespace onnxopt
