// The commit: names, types and origins move over, uses are replaced, what is dead goes.
#include <fmt/format.h>

#include <algorithm>

#include "ir/ops/infer.h"
#include "passes/rewrite/origin.h"
#include "passes/rewrite/transaction.h"
#include "passes/rewrite/type_fit.h"

namespace onnxopt {
namespace {

std::string label(const Node& n) {
  if (!n.name.empty()) return n.name;
  for (const Value* v : n.outputs())
    if (v) return fmt::format("{}({})", n.op().name, v->name());
  return std::string(n.op().name);
}

// Values that `n` and its subgraphs read.
void collect_reads(const Node& n, std::vector<Value*>& reads) {
  for (Value* v : n.inputs())
    if (v) reads.push_back(v);
  if (n.attrs().empty()) return;
  for (const Graph* sub : n.subgraphs()) {
    reads.insert(reads.end(), sub->outputs().begin(), sub->outputs().end());
    for (const Node& inner : sub->nodes()) collect_reads(inner, reads);
  }
}

// Elements of `to` are known that inference could not know of `from`: shapes downstream may follow from them now.
bool says_more(const Value& from, const Value& to) {
  const auto all_known = [](const Value& v) { return v.known && std::all_of(v.known->begin(), v.known->end(), [](Dim d) { return d.is_value(); }); };
  if (to.constant()) return to.constant()->size() <= static_cast<std::int64_t>(kMaxKnown) && !all_known(from);
  return to.known && !from.known;
}

}  // namespace

void RewriteTransaction::commit(const AnyRule& rule, std::span<Node* const> matched, std::int64_t grown_bytes) {
  effects_ = {};
  effects_.made.assign(rewriter_.made_.begin(), rewriter_.made_.end());
  std::vector<std::string> names;
  std::vector<Node*> candidates;
  for (Node* n : matched) names.push_back(label(*n));
  describe(rule, names);
  const std::string root = label(*rewriter_.at_);
  for (const auto& [from, to] : rewriter_.replaced_) candidates.push_back(from->producer());
  std::size_t copies = 0;
  for (const auto& [from, to] : rewriter_.replaced_) copies += take_place(*from, *to);
  const int removed = erase_dead(std::move(candidates));
  const int added = static_cast<int>(rewriter_.made_.size() + copies);
  std::erase_if(effects_.users, [](const Node* n) { return n->erased(); });
  std::erase_if(effects_.lost_use, [](const Value* v) { return v->erased(); });

  ctx_.record({std::string(rule.name()), root, std::move(names), removed, added, grown_bytes});
}

// The node that makes the root's replacement gets the root's name and metadata; others are named after both.
void RewriteTransaction::describe(const AnyRule& rule, const std::vector<std::string>& from) {
  if (rewriter_.made_.empty()) return;
  const Node& root = *rewriter_.at_;
  std::string origin = fmt::format("{}: {}", rule.name(), fmt::join(from, ", "));
  const Node* heir = rewriter_.made_.back();
  for (const auto& [old, ours] : rewriter_.replaced_)
    if (old->producer() == &root && made_here(*ours)) heir = ours->producer();
  std::size_t number = 0;
  for (Node* n : rewriter_.made_) {
    if (!root.name.empty()) {
      n->name = root.name;
      if (n != heir) n->name += fmt::format("/{}_{}", n->op().name, number++);
    }
    if (root.extra() && !root.extra()->metadata.empty()) n->make_extra().metadata = root.extra()->metadata;
    set_origin(*n, n == rewriter_.made_.back() ? std::move(origin) : origin);
  }
}

// Returns the number of Identity nodes added.
std::size_t RewriteTransaction::take_place(Value& from, Value& to) {
  for (const Use& u : from.uses()) effects_.users.push_back(u.node);
  if (made_here(to)) {
    to.type = intersect_types(to.type, from.type, rewriter_.symbols());
    if (from.known && !to.known) to.known = std::make_unique<std::vector<Dim>>(*from.known);
    if (!from.is_graph_output() && !to.name_from_file()) {
      // The value keeps the name that the file gave it, and what was said of it under that name.
      std::string ours(to.name());
      to.set_name(std::string(from.name()), from.name_from_file());
      from.set_name(std::move(ours));
      if (from.extra()) {
        to.make_extra() = *from.extra();
        to.make_extra().constant_node.reset();
      }
    }
  }
  if (!(to.type == from.type) || says_more(from, to)) effects_.retyped.push_back(&to);
  return from.graph()->replace_all_uses(from, to);
}

int RewriteTransaction::erase_dead(std::vector<Node*> queue) {
  int removed = 0;
  std::vector<Value*> reads;
  while (!queue.empty()) {
    Node* n = queue.back();
    queue.pop_back();
    if (n->erased() || !may_die(*n)) continue;
    if (std::any_of(n->outputs().begin(), n->outputs().end(), [](const Value* v) { return v && !v->unused(); })) continue;
    reads.clear();
    collect_reads(*n, reads);
    n->graph()->erase(*n);
    ++removed;
    for (Value* v : reads) {
      if (v->erased()) continue;
      if (!v->unused()) {
        effects_.lost_use.push_back(v);
      } else if (v->producer()) {
        queue.push_back(v->producer());
      } else if (v->constant() && !(v->is_graph_input() && (ctx_.keep_overridable || v->graph()->parent()))) {
        if (v->is_graph_input()) ctx_.dropped_inputs.push_back(v->name());
        v->graph()->erase_value(*v);
      }
    }
  }
  return removed;
}

}  // namespace onnxopt
