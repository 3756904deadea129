#include "verify/compare/inner_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <unordered_set>

namespace onnxopt {
namespace {

constexpr std::size_t kMostValues = 400;          // looked at around the vacuous outputs
constexpr std::size_t kMostBytes = 256ull << 20;  // kept at once

}  // namespace

std::vector<Value*> read_values(const Node& n) {
  std::vector<Value*> r;
  std::unordered_set<const Value*> seen;
  const auto add = [&](Value* v) {
    if (v && !v->constant() && v->graph() == n.graph() && seen.insert(v).second) r.push_back(v);
  };
  for (Value* v : n.inputs()) add(v);
  for (Graph* sub : n.subgraphs())
    for_each_graph(*sub, [&](Graph& g) {
      for (Node& inner : g.nodes())
        for (Value* v : inner.inputs()) add(v);
      for (Value* v : g.outputs()) add(v);
    });
  return r;
}

InnerValues::InnerValues(Model& reference, Model& candidate, const std::vector<const Value*>& outputs) {
  std::unordered_set<std::string> in_candidate;
  for (Node& n : candidate.graph().nodes())
    for (Value* v : n.outputs())
      if (v) in_candidate.insert(v->name());
  std::deque<const Value*> work(outputs.begin(), outputs.end());
  std::unordered_set<const Value*> seen(outputs.begin(), outputs.end());
  while (!work.empty() && seen.size() < kMostValues) {
    const Value* v = work.front();
    work.pop_front();
    if (!v->producer() || v->graph() != &reference.graph()) continue;
    for (const Value* from : read_values(*v->producer())) {
      if (!seen.insert(from).second) continue;
      work.push_back(from);
      if (!from->producer() || !in_candidate.count(from->name())) continue;
      wanted_.emplace(from->name(), from);
      names_.push_back(from->name());
    }
  }
}

Executor::Tap InnerValues::record(const Model& model, Record& into) const {
  return [this, &model, &into, left = std::make_shared<std::size_t>(kMostBytes)](const Value& v, RtValue& computed) {
    if (v.graph() != &model.graph() || !v.producer() || !wanted_.count(v.name())) return;
    const std::size_t size = computed.is_tensor() ? computed.tensor().byte_size() : 0;
    if (size > *left) return;
    *left -= size;
    into[v.name()] = computed;
  };
}

InnerValues::Proof InnerValues::prove(const Value& output, const std::function<bool(const std::string&)>& agrees) const {
  Proof proof;
  std::vector<const Value*> work = {&output};
  std::unordered_set<const Value*> seen = {&output};
  std::unordered_set<const Node*> behind;
  proof.covered = output.producer() != nullptr;
  while (!work.empty()) {
    const Value* v = work.back();
    work.pop_back();
    if (v != &output && wanted_.count(v->name()) && agrees(v->name())) {
      proof.values.push_back(v->name());
      continue;
    }
    if (!v->producer() || seen.size() > kMostValues) {  // an input of the model, or too far away
      proof.covered = false;
      return proof;
    }
    behind.insert(v->producer());
    if (v->producer()->op().has(kShapeOnly)) continue;
    for (const Value* from : read_values(*v->producer()))
      if (seen.insert(from).second) work.push_back(from);
  }
  proof.behind = behind.size();
  return proof;
}

std::string InnerValues::Proof::text() const {
  if (values.empty()) return "it does not depend on the inputs";
  const std::size_t shown = std::min<std::size_t>(values.size(), 3);
  return fmt::format("'{}'{} {} compared instead, {} operator{} behind",
                     fmt::join(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(shown), "', '"),
                     shown < values.size() ? fmt::format(" and {} more", values.size() - shown) : "", values.size() == 1 ? "was" : "were", behind,
                     behind == 1 ? "" : "s");
}

}  // namespace onnxopt
