// The checks before a commit, and the rollback.
#include "passes/rewrite/transaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "ir/core/sparse.h"
#include "passes/rewrite/missing_kernel.h"
#include "passes/rewrite/type_fit.h"

namespace onnxopt {
namespace {

std::int64_t uses_of(const Value& v) { return static_cast<std::int64_t>(v.uses().size()) + (v.is_graph_output() ? 1 : 0); }

bool encloses(const Graph* outer, const Graph* inner) {
  for (; inner; inner = inner->outer())
    if (inner == outer) return true;
  return false;
}

// The node of `g` that holds `n` (itself, or the owner of the subgraph it is in); null: `n` is not inside `g`.
Node* ancestor_in(const Graph& g, Node* n) {
  while (n && n->graph() != &g) n = n->graph()->parent();
  return n;
}

// Work beyond moving elements or one operation for each of them.
bool is_heavy(const Node& n) { return !n.op().has(kElementwise) && !n.op().has(kDataMovement) && !n.op().has(kShapeOnly) && !n.is("Cast"); }

// `inner` runs any number of times for each time that `outer` runs.
bool repeats_inside(const Graph* inner, const Graph* outer) {
  for (; inner && inner != outer; inner = inner->outer())
    if (inner->parent() && !inner->parent()->is("If")) return true;
  return false;
}

std::int64_t stored_bytes(const Value& v) {
  const Tensor* t = v.constant();
  return t ? static_cast<std::int64_t>(t->byte_size()) : 0;
}

}  // namespace

Rewriter& RewriteTransaction::begin(Node& root) {
  rewriter_.graph_ = root.graph();
  rewriter_.at_ = &root;
  rewriter_.ctx_ = &ctx_;
  rewriter_.made_.clear();
  rewriter_.constants_.clear();
  rewriter_.replaced_.clear();
  rewriter_.consumed_.clear();
  rewriter_.failure_.clear();
  return rewriter_;
}

void RewriteTransaction::roll_back() {
  Graph& g = *rewriter_.graph_;
  for (auto it = rewriter_.made_.rbegin(); it != rewriter_.made_.rend(); ++it) g.erase(**it);
  for (auto it = rewriter_.constants_.rbegin(); it != rewriter_.constants_.rend(); ++it) g.erase_value(**it);
  rewriter_.made_.clear();
  rewriter_.constants_.clear();
}

std::string RewriteTransaction::finish(const AnyRule& rule, std::span<Node* const> matched) {
  const auto refuse = [&](std::string why) {
    roll_back();
    return why;
  };
  if (!rewriter_.failure_.empty()) return refuse(rewriter_.failure_);
  drop_unused();
  std::vector<const Node*> taking_part(matched.begin(), matched.end());
  taking_part.insert(taking_part.end(), rewriter_.consumed_.begin(), rewriter_.consumed_.end());
  if (std::string why = check_replacements(taking_part); !why.empty()) return refuse(std::move(why));
  if (std::string why = check_lowering(); !why.empty()) return refuse(std::move(why));
  for (const Node* n : rewriter_.made_) {
    const bool new_here = std::none_of(taking_part.begin(), taking_part.end(), [&](const Node* old) { return &old->op() == &n->op(); });
    if (std::string why = new_here ? missing_kernel(*n) : ""; !why.empty()) return refuse(std::move(why));
  }

  const Death death = simulate();
  for (const auto& [from, to] : rewriter_.replaced_)
    if (std::string why = check_order(*from, *to, death); !why.empty()) return refuse(std::move(why));
  for (const Node* n : death.nodes)
    if (!rewriter_.made_.empty() && n->graph() != rewriter_.graph_ && is_heavy(*n) && repeats_inside(rewriter_.graph_, n->graph()))
      return refuse(fmt::format("would take {} into a loop", n->op().name));
  const std::size_t copies = copies_needed(), added = rewriter_.made_.size() + copies;
  if (copies > 0 && added >= death.nodes.size()) return refuse("a graph output would need a copy to keep its name");
  if (added > death.nodes.size() && !rule.may_grow_nodes()) return refuse(fmt::format("would leave {} nodes for {}", added, death.nodes.size()));
  std::int64_t grown = -death.freed_bytes;
  for (const Value* c : rewriter_.constants_) grown += stored_bytes(*c);
  if (grown > 0 && grown > ctx_.growth.left_bytes)
    return refuse(fmt::format("would grow the file by {} bytes, {} are left", grown, ctx_.growth.left_bytes));
  if (!ctx_.take_fuel()) return refuse("out of fuel");
  ctx_.growth.left_bytes -= grown;
  commit(rule, matched, grown);
  return "";
}

// What the rewrite made and did not use after all.
void RewriteTransaction::drop_unused() {
  const auto wanted = [&](const Value* v) {
    return v && (!v->unused() || std::any_of(rewriter_.replaced_.begin(), rewriter_.replaced_.end(), [&](const auto& r) { return r.second == v; }));
  };
  auto& made = rewriter_.made_;
  for (std::size_t i = made.size(); i-- > 0;) {
    if (std::any_of(made[i]->outputs().begin(), made[i]->outputs().end(), wanted)) continue;
    rewriter_.graph_->erase(*made[i]);
    made.erase(made.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::erase_if(rewriter_.constants_, [&](Value* v) {
    if (wanted(v)) return false;
    rewriter_.graph_->erase_value(*v);
    return true;
  });
}

bool RewriteTransaction::made_here(const Value& v) const {
  return v.producer() && std::find(rewriter_.made_.begin(), rewriter_.made_.end(), v.producer()) != rewriter_.made_.end();
}

std::string RewriteTransaction::check_replacements(const std::vector<const Node*>& taking_part) {
  auto& replaced = rewriter_.replaced_;
  SymbolTable& symbols = rewriter_.symbols();
  for (const auto& [from, to] : replaced) {
    ONNXOPT_CHECK(from->producer() && std::find(taking_part.begin(), taking_part.end(), from->producer()) != taking_part.end(),
                  fmt::format("'{}' is not an output of a matched node", from->name()));
    ONNXOPT_CHECK(from != to && from->graph() == rewriter_.graph_ && encloses(to->graph(), rewriter_.graph_), "a replacement from outside the graph");
    const auto same_from = [f = from](const auto& other) { return other.first == f; };
    ONNXOPT_CHECK(std::count_if(replaced.begin(), replaced.end(), same_from) == 1, fmt::format("'{}' is replaced twice", from->name()));
    ONNXOPT_CHECK(std::none_of(replaced.begin(), replaced.end(), [t = to](const auto& other) { return other.first == t; }),
                  "a replacement that is replaced itself");
    if (std::string why = type_misfit(from->type, to->type, symbols); !why.empty()) return why;
  }
  std::erase_if(replaced, [](const auto& r) { return r.first->unused(); });
  if (replaced.empty()) return "nothing would change";
  for (const Node* n : rewriter_.made_)
    for (const auto& [from, to] : replaced)
      if (std::find(n->inputs().begin(), n->inputs().end(), from) != n->inputs().end())
        return fmt::format("the new {} reads '{}', which it replaces", n->op().name, from->name());
  return "";
}

// Whoever reads `from` after the commit must come after `to`.
std::string RewriteTransaction::check_order(const Value& from, const Value& to, const Death& death) {
  const Graph& g = *rewriter_.graph_;
  const Node* source = to.graph() == &g ? to.producer() : nullptr;
  if (!source || g.is_before(*source, *from.producer())) return "";  // inputs, constants and outer values come before everything
  for (const Use& u : from.uses()) {
    const Node* user = ancestor_in(g, u.node);
    const bool dies = std::find(death.nodes.begin(), death.nodes.end(), user) != death.nodes.end();
    if (!dies && !g.is_before(*source, *user)) return fmt::format("'{}' is used before its replacement is made", from.name());
  }
  return "";
}

std::string RewriteTransaction::check_lowering() {
  if (target_.imports.empty()) return "";
  for (const Node* n : rewriter_.made_)
    if (std::string why = cannot_lower(*n, target_); !why.empty())
      return fmt::format("{} cannot be written at the output opset: {}", n->op().name, why);
  return "";
}

bool RewriteTransaction::may_die(const Node& n) const { return !n.op().has(kOpaque) && !n.kept && !ctx_.is_kept(n); }

// Which nodes and constants would be dead after the commit.
RewriteTransaction::Death RewriteTransaction::simulate() {
  Death death;
  remaining_.clear();
  const auto left = [&](const Value& v) -> std::int64_t& { return remaining_.try_emplace(&v, uses_of(v)).first->second; };
  std::unordered_map<const Value*, Value*> moved;
  for (const auto& [from, to] : rewriter_.replaced_) {
    moved[from] = to;
    left(*to) += uses_of(*from);
    left(*from) = 0;
  }
  std::vector<Node*> queue;
  for (const auto& [from, to] : rewriter_.replaced_) queue.push_back(from->producer());
  std::unordered_set<const Node*> dead;
  while (!queue.empty()) {
    Node* n = queue.back();
    queue.pop_back();
    if (dead.contains(n) || !may_die(*n)) continue;
    if (std::any_of(n->outputs().begin(), n->outputs().end(), [&](const Value* v) { return v && left(*v) > 0; })) continue;
    dead.insert(n);
    death.nodes.push_back(n);
    for (Value* v : n->inputs()) {
      if (!v) continue;
      if (const auto it = moved.find(v); it != moved.end()) v = it->second;
      if (--left(*v) > 0) continue;
      if (v->producer()) queue.push_back(v->producer());
      else death.freed_bytes += stored_bytes(*v);
    }
  }
  return death;
}

// Identity nodes that Graph::replace_all_uses would add, for outputs whose name the replacement cannot take.
std::size_t RewriteTransaction::copies_needed() const {
  std::size_t copies = 0;
  std::vector<const Value*> taken;
  for (const auto& [from, to] : rewriter_.replaced_) {
    if (!from->is_graph_output()) continue;
    const auto& outputs = from->graph()->outputs();
    const bool listed_here = std::find(outputs.begin(), outputs.end(), from) != outputs.end();
    const bool renames = listed_here && to->graph() == from->graph() && !to->is_graph_output() && !to->is_graph_input() &&
                         (to->producer() || (to->constant() && from->graph()->model().ir_version >= 4)) && !is_sparse_constant(*to) &&
                         std::find(taken.begin(), taken.end(), to) == taken.end();
    if (renames) taken.push_back(to);
    else ++copies;
  }
  return copies;
}

}  // namespace onnxopt
