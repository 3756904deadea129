#include "verify/compare/cut.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace onnxopt {
namespace {

using ByName = std::unordered_map<std::string, Value*>;

ByName node_outputs(Graph& g) {
  ByName r;
  for (Node& n : g.nodes())
    for (Value* v : n.outputs())
      if (v) r.emplace(v->name(), v);
  return r;
}

// The type to make values of: what inference knows, else what the file declares.
Type made_up_type(const Value& v) {
  if (v.type.is_tensor() && v.type.has_rank()) return v.type;
  if (v.extra() && v.extra()->has_declared && v.extra()->declared.kind != Type::Kind::unknown) return v.extra()->declared;
  return v.type;
}

void feed_from_outside(Graph& g, Value& v, const Type& type) {
  const std::string name = v.name();
  v.set_name(name + "#cut");
  Value& input = g.add_input(name, type);
  g.replace_all_uses(v, input);
}

bool all_unused(const Node& n) {
  return std::all_of(n.outputs().begin(), n.outputs().end(), [](const Value* v) { return !v || v->unused(); });
}

}  // namespace

Node* top_level(Node& n) {
  Node* r = &n;
  while (r->graph()->parent()) r = r->graph()->parent();
  return r;
}

CutResult cut_at(Model& reference, Model& candidate, const std::vector<Node*>& nodes) {
  CutResult result;
  const ByName in_candidate = node_outputs(candidate.graph());
  for (Node* n : nodes) {
    if (n->erased()) continue;
    const std::string domain = n->op().domain.empty() ? "" : std::string(n->op().domain) + ".";
    result.ops.push_back(fmt::format("{}{}{}", domain, n->op().name, n->name.empty() ? "" : " (" + n->name + ")"));
    Node* twin = nullptr;
    for (Value* v : n->outputs()) {
      if (!v) continue;
      const auto it = in_candidate.find(v->name());
      if (it == in_candidate.end()) continue;
      twin = it->second->producer();
      const Type type = made_up_type(*v);
      if (!type.is_tensor() || type.dtype == DType::undefined) {
        result.failure = fmt::format("{} cannot run here and the type of its output '{}' is not known", result.ops.back(), v->name());
        return result;
      }
      feed_from_outside(candidate.graph(), *it->second, type);
    }
    for (std::size_t i = 0; twin && i < n->inputs().size(); ++i) {
      Value *a = n->input(i), *b = twin->input(i);
      if (!a || !b || !a->producer() || a->graph() != &reference.graph()) continue;
      reference.graph().add_output(*a);
      candidate.graph().add_output(*b);
    }
    for (Value* v : std::vector<Value*>(n->outputs().begin(), n->outputs().end()))
      if (v && (twin || !v->unused())) feed_from_outside(reference.graph(), *v, made_up_type(*v));
    if (!twin && !all_unused(*n)) {
      result.failure = fmt::format("{} cannot run here and the result has no node that stands for it", result.ops.back());
      return result;
    }
    if (twin && !all_unused(*twin)) {
      result.failure = fmt::format("{} cannot run here and its outputs are named differently in the result", result.ops.back());
      return result;
    }
    reference.graph().erase(*n);
    if (twin) candidate.graph().erase(*twin);
  }
  return result;
}

}  // namespace onnxopt
