// The part of Isomorphism for nodes and constants that no output depends on.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ir/text/compare.h"
#include "ir/text/hash.h"
#include "ir/text/isomorphism.h"

namespace onnxopt::text {
namespace {

bool is_sink(const Node& n) {
  return std::all_of(n.outputs().begin(), n.outputs().end(), [](const Value* v) { return !v || v->uses().empty(); });
}

}  // namespace

Isomorphism::Rest Isomorphism::unpaired(const Graph& g, bool first) const {
  const auto& paired = first ? nodes_ : nodes_backward_;
  Rest r;
  for (const Node& n : g.nodes())
    if (!paired.contains(&n)) r.push_back(&n);
  return r;
}

// Equal for values that may correspond: paired ones by their pair, others by what they are made of.
std::uint64_t Isomorphism::value_hash(const Value* v, bool first) {
  if (!v) return 0;
  if (first && forward_.contains(v)) return mix(1, v->id());
  if (!first)
    if (const auto it = backward_.find(v); it != backward_.end()) return mix(1, it->second->id());
  if (const Tensor t = constant_of(*v, options_.constant_nodes))
    return mix(2, static_cast<std::uint64_t>(t.size()) * 64 + static_cast<std::uint64_t>(t.dtype()));
  if (!v->producer()) return 3;
  const auto it = hashes_.find(v->producer());
  return mix(it == hashes_.end() ? 4 : it->second, v->output_index());
}

std::uint64_t Isomorphism::node_hash(const Node& n, bool first) {
  std::uint64_t h = description_hash(n, options_);
  for (const Value* v : n.inputs()) h = mix(h, value_hash(v, first));
  return h;
}

void Isomorphism::pair_rest(const Graph& a, const Graph& b) {
  pair_dead_nodes(a, b);
  pair_dead_constants(a, b);
}

void Isomorphism::pair_dead_nodes(const Graph& a, const Graph& b) {
  const Rest rest_a = unpaired(a, true), rest_b = unpaired(b, false);
  if (rest_a.empty() && rest_b.empty()) return;
  for (const Node* n : rest_a) hashes_[n] = node_hash(*n, true);  // in topological order, so that producers come first
  for (const Node* n : rest_b) hashes_[n] = node_hash(*n, false);
  std::unordered_map<std::uint64_t, Rest> by_hash;  // looked up only
  for (auto it = rest_b.rbegin(); it != rest_b.rend(); ++it)
    if (is_sink(**it)) by_hash[hashes_[*it]].push_back(*it);
  for (const Node* n : rest_a) {
    if (!is_sink(*n)) continue;
    Rest& candidates = by_hash[hashes_[n]];
    if (candidates.empty()) continue;
    const Node* other = candidates.back();
    candidates.pop_back();
    nodes_.emplace(n, other);
    nodes_backward_.emplace(other, n);
    compare_nodes(*n, *other);
    drain();
  }
  const auto is_constant = [&](const Node* n) { return options_.constant_nodes && n->is("Constant"); };  // compared as constants
  for (const Node* n : unpaired(a, true))
    if (!is_constant(n)) report(fmt::format("only in the first: {}", node_text(*n)));
  for (const Node* n : unpaired(b, false))
    if (!is_constant(n)) report(fmt::format("only in the second: {}", node_text(*n)));
}

void Isomorphism::pair_dead_constants(const Graph& a, const Graph& b) {
  std::map<std::pair<std::uint64_t, std::string>, std::vector<const Value*>> rest_b;  // by content, and by name where names count
  const auto key = [&](const Value* v) { return std::pair(v->constant()->content_hash(), options_.inner_names ? v->name() : std::string()); };
  for (const Value* v : b.constants())
    if (!backward_.contains(v)) rest_b[key(v)].push_back(v);
  std::vector<const Value*> only_b;
  for (const Value* v : a.constants()) {
    if (forward_.contains(v)) continue;
    const auto it = rest_b.find(key(v));
    if (it == rest_b.end() || it->second.empty()) {
      report(fmt::format("only in the first: constant {}", value_text(*v)));
      continue;
    }
    pair_values(v, it->second.back());
    it->second.pop_back();
  }
  drain();
  for (const Value* v : b.constants())
    if (!backward_.contains(v)) report(fmt::format("only in the second: constant {}", value_text(*v)));
}

}  // namespace onnxopt::text
