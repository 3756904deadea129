#include "passes/cleanup/whole_graph.h"

#include <algorithm>

#include "ir/core/sparse.h"
#include "ir/ops/infer.h"

namespace onnxopt {

std::string label_of(const Node& n) {
  if (!n.name.empty()) return n.name;
  for (const Value* v : n.outputs())
    if (v) return std::string(n.op().name) + "(" + std::string(v->name()) + ")";
  return std::string(n.op().name);
}

bool book(PassContext& ctx, std::string_view pass, const Node& n, int removed, int added) {
  if (!ctx.take_fuel()) return false;
  ctx.record({std::string(pass), label_of(n), {label_of(n)}, removed, added, 0});
  return true;
}

bool replaceable(const Value& from, const Value& to) {
  if (&from == &to) return false;
  if (!from.is_graph_output()) return true;
  const auto outputs = from.graph()->outputs();
  const bool listed_here = std::find(outputs.begin(), outputs.end(), &from) != outputs.end();
  return listed_here && to.graph() == from.graph() && !to.is_graph_output() && !to.is_graph_input() &&
         (to.producer() || (to.constant() && from.graph()->model().ir_version >= 4)) && !is_sparse_constant(to);
}

void forget_file_names(Graph& inner) {
  inner.for_each_value([](Value& v) {
    if (v.name_from_file()) v.set_name(v.name());
  });
}

bool is_pure(const Node& n) {
  const auto& op = n.op();
  return !n.kept && !op.has(kControlFlow) && !op.has(kNondeterministic) && !op.has(kOpaque) && !n.has_ref_attrs();
}

void Refresher::behind(const Value& v) {
  const auto mark = [&](const Node& n) {
    if (n.id() >= stale_.size()) stale_.resize(std::max<std::size_t>(n.id() + 1, stale_.size() * 2));
    stale_[n.id()] = true;
  };
  for (const Use& u : v.uses()) mark(*u.node);
  if (v.is_graph_output() && v.graph()->parent()) mark(*v.graph()->parent());
}

void Refresher::refresh(Node& n) {
  if (n.id() >= stale_.size() || !stale_[n.id()]) return;
  stale_[n.id()] = false;
  if (!infer(n, {.strict = false})) return;
  for (const Value* v : n.outputs())
    if (v) behind(*v);
}

}  // namespace onnxopt
