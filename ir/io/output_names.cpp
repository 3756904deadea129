#include "ir/io/output_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/core/model.h"

namespace onnxopt {
namespace {

constexpr std::size_t kManyUses = 64;  // a value read more often than this is taken to be read by every subgraph

// In `g` or in another graph of the same node: what any of them reads from outside hides, for ONNX Runtime, the constants of all of them.
bool is_within(const Graph* inner, const Graph& g) {
  for (; inner; inner = inner->outer())
    if (inner == &g || (g.parent() && inner->parent() == g.parent())) return true;
  return false;
}

bool is_read_in(const Value& v, const Graph& g) {
  if (v.uses().size() > kManyUses) return true;
  if (std::any_of(v.uses().begin(), v.uses().end(), [&](const Use& u) { return is_within(u.node->graph(), g); })) return true;
  return v.is_graph_output() && std::find(g.outputs().begin(), g.outputs().end(), &v) != g.outputs().end();
}

}  // namespace

std::string_view OutputNames::of(const Value* v) const {
  if (!v) return {};
  const std::uint32_t made = v->id() < renamed_.size() ? renamed_[v->id()] : 0;
  return made == 0 ? std::string_view(v->name()) : std::string_view(made_[made - 1]);
}

void OutputNames::collect(const Graph& root) {
  root.for_each_value([&](Value& v) {
    if (v.name_from_file()) taken_.insert(v.name(), true);
  });
  for (Node& n : root.nodes())
    for (const Graph* sub : n.subgraphs()) collect(*sub);
}

void OutputNames::assign(const Graph& root) {
  taken_ = {};
  collect(root);
  assign_graph(root, nullptr);
}

std::string_view OutputNames::fresh(const Value& v) {
  std::string base = v.name();
  if (base.empty()) base = v.producer() ? fmt::format("{}_output", v.producer()->op().name) : std::string(v.is_graph_input() ? "input" : "constant");
  if (!taken_.find(base)) {
    made_.push_back(std::move(base));
  } else {
    std::uint32_t& suffix = next_suffix_[base];
    std::string candidate;
    do candidate = fmt::format("{}_{}", base, ++suffix);
    while (taken_.find(candidate));
    made_.push_back(std::move(candidate));
  }
  taken_.insert(made_.back(), true);
  return made_.back();
}

bool OutputNames::hides_captured(std::string_view name, const Graph& g, const Scope& scope) const {
  for (const Scope* s = scope.outer; s; s = s->outer)
    if (const Value* const* hidden = s->names.find(name))
      if (is_read_in(**hidden, g)) return true;
  return false;
}

void OutputNames::assign_value(const Value& v, const Graph& g, Scope& scope) {
  const Value* const* same = scope.names.find(of(&v));
  if (same && *same == &v) return;  // listed twice, e.g. as node output and as graph output
  if (v.name_from_file() && !v.name().empty() && !same && !hides_captured(v.name(), g, scope)) {
    scope.names.insert(v.name(), &v);
    return;
  }
  const std::string_view name = fresh(v);
  if (v.id() >= renamed_.size()) renamed_.resize(v.id() + 1);
  renamed_[v.id()] = static_cast<std::uint32_t>(made_.size());
  scope.names.insert(name, &v);
}

void OutputNames::assign_graph(const Graph& g, const Scope* outer) {
  Scope scope{outer, {}};
  scope.names.reserve(g.node_count() + g.inputs().size());
  for (const Value* v : g.inputs()) assign_value(*v, g, scope);
  for (const Value* v : g.outputs())  // public names come first
    if (v->graph() == &g) assign_value(*v, g, scope);
  g.for_each_value([&](Value& v) { assign_value(v, g, scope); });
  for (Node& n : g.nodes())
    for (const Graph* sub : n.subgraphs()) assign_graph(*sub, &scope);
}

}  // namespace onnxopt
