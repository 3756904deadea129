#include "passes/rewrite/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "ir/ops/infer.h"

namespace onnxopt {
namespace {

// After a commit the patterns that may match now have their root at most as far downstream as the deepest pattern is deep. This bounds how many
// nodes are looked at again around one rewrite where values have very many users; a later run of the pass sees the rest.
constexpr std::size_t kMaxRequeued = 64;
// Rewrites for each node before rules are said to undo each other.
constexpr std::size_t kRewritesPerNode = 10;
// Inferences for each node in one run: types settle long before.
constexpr std::size_t kInferencesPerNode = 20;

std::string label(const Node& n) { return n.name.empty() && n.output(0) ? std::string(n.output(0)->name()) : n.name; }

// Where new nodes will be lowered to.
OutputOpsets target_of(const Graph& root, const PassContext& ctx) {
  return root.function() ? function_opsets(root.model(), *root.function(), ctx.output) : ctx.output;
}

}  // namespace

Driver::Driver(const RuleSet& rules, std::vector<bool> active, PassContext& ctx, EndlessRules endless)
    : rules_(rules), all_(rules.all()), active_(std::move(active)), ctx_(ctx), endless_(endless), matcher_(ctx), stats_(all_.size()) {
  if (!ctx_.explain) return;
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (all_[i].name() == ctx_.explain->rule) explained_ = static_cast<int>(i);
}

bool Driver::run(Graph& root) {
  transaction_ = std::make_unique<RewriteTransaction>(ctx_, target_of(root, ctx_));
  seed(root);
  const std::size_t nodes = queue_.size();
  budget_ = kInferencesPerNode * (nodes + 100);
  std::size_t limit = kRewritesPerNode * (nodes + 100);
  while (head_ < queue_.size() && ctx_.fuel != 0) {
    Node* n = queue_[head_++];
    queued_[n->id()] = false;
    if (head_ > 65536 && head_ * 2 > queue_.size()) {  // what is done needs no memory
      queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    if (n->erased() || !visit(*n)) continue;
    if (++commits_ > limit) stop_endless(nodes, limit);
  }
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (stats_[i].tries == 0) continue;
    RuleStats& s = ctx_.rule_stats[std::string(all_[i].name())];
    s.tries += stats_[i].tries;
    s.hits += stats_[i].hits;
    s.ms += stats_[i].ms;
  }
  report_explanation();
  return commits_ > 0;
}

// Two rules undo each other. That is a bug, but the graph is right at every step: leaving them out is better than no result.
void Driver::stop_endless(std::size_t nodes, std::size_t& limit) {
  const std::string what =
      fmt::format("rules undo each other: {} rewrites of {} nodes, the last two by {} and {}", commits_, nodes, rule_before_, last_rule_);
  if (endless_ == EndlessRules::are_a_bug) throw InternalError(what);
  ctx_.notes.push_back(what + "; both were left out from there on");
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (all_[i].name() == last_rule_ || all_[i].name() == rule_before_) active_[i] = false;
  limit += nodes + 100;
}

// Bodies before the node that holds them.
void Driver::seed(Graph& g) {
  for (Node& n : g.nodes()) {
    if (n.op().has(kControlFlow) || n.op().has(kOpaque))
      for (Graph* sub : n.subgraphs()) seed(*sub);
    push(&n);
  }
}

void Driver::push(Node* n) {
  if (n->id() >= queued_.size()) queued_.resize(std::max<std::size_t>(n->id() + 1, queued_.size() * 2));
  if (queued_[n->id()]) return;
  queued_[n->id()] = true;
  queue_.push_back(n);
}

bool Driver::visit(Node& n) {
  const auto& rules = rules_.at(n.op());
  if (rules.empty() || !matcher_.can_match(n)) return false;
  for (const std::uint16_t r : rules)
    if (active_[r] && attempt(r, n)) return true;
  return false;
}

bool Driver::attempt(std::size_t r, Node& n) {
  const AnyRule& rule = all_[r];
  const bool explained = static_cast<int>(r) == explained_;
  RuleStats& stats = stats_[r];
  ++stats.tries;
  const auto start = ctx_.time_rules ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
  const bool asked_here = explained && (ctx_.explain->node.empty() || ctx_.explain->node == label(n));
  matcher_.track(explained ? &miss_ : nullptr);
  std::string why;
  const bool hit = rule.pattern ? attempt_pattern(rule, n, why) : attempt_node(rule, n, why);
  if (ctx_.time_rules) stats.ms += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  if (!hit) return false;
  ++stats.hits;
  if (asked_here) ++explained_hits_;
  rule_before_ = last_rule_;
  last_rule_ = rule.name();
  after_commit();
  return true;
}

bool Driver::attempt_pattern(const AnyRule& rule, Node& n, std::string& why) {
  const bool only_here = ctx_.explain && !ctx_.explain->node.empty() && label(n) != ctx_.explain->node;
  if (only_here) matcher_.track(nullptr);
  Rewriter& rw = transaction_->begin(n);
  try {
    if (!matcher_.match(*rule.pattern, n)) return false;
    rule.pattern->rule().rewrite(matcher_.match(), rw);
    why = transaction_->finish(rule, matcher_.match().nodes());
    if (why.empty()) return true;
  } catch (const RewriteAbandoned& a) {
    transaction_->roll_back();
    why = a.why;
  } catch (const Error& e) {  // the model contradicts itself here: not this rule's business
    transaction_->roll_back();
    why = e.what();
  }
  matcher_.note_refusal(why);
  return false;
}

bool Driver::attempt_node(const AnyRule& rule, Node& n, std::string& why) {
  Node* const matched[] = {&n};
  Rewriter& rw = transaction_->begin(n);
  try {
    if (!rule.node->visit(n, rw)) {
      why = rw.failure();
      transaction_->roll_back();
    } else {
      why = transaction_->finish(rule, matched);
      if (why.empty()) return true;
    }
  } catch (const RewriteAbandoned& a) {
    transaction_->roll_back();
    why = a.why;
  } catch (const Error& e) {
    transaction_->roll_back();
    why = e.what();
  }
  explain(rule, n, why);
  return false;
}

// What may match now: new nodes, readers of what was replaced, and around values that lost a use (used_once may hold now). The roots of patterns
// that contain them stand downstream.
void Driver::after_commit() {
  const CommitEffects& done = transaction_->effects();
  std::vector<Node*> front;
  for (Node* n : done.made) front.push_back(n);
  for (Node* n : done.users) front.push_back(n);
  for (Value* v : done.lost_use) {
    if (v->producer()) front.push_back(v->producer());
    if (v->uses().size() <= 2)
      for (const Use& u : v->uses()) front.push_back(u.node);
  }
  for (Node* n : front) push(n);
  std::size_t begin = 0, requeued = 0;
  for (int depth = 1; depth < rules_.depth() && requeued < kMaxRequeued; ++depth) {
    const std::size_t end = front.size();
    for (; begin < end && requeued < kMaxRequeued; ++begin)
      for (const Value* v : front[begin]->outputs()) {
        if (!v) continue;
        for (const Use& u : v->uses()) {
          if (++requeued > kMaxRequeued) break;
          push(u.node);
          front.push_back(u.node);
        }
      }
  }
  if (done.retyped.empty()) return;
  std::vector<Node*> stale;
  for (const Value* v : done.retyped)
    for (const Use& u : v->uses()) stale.push_back(u.node);
  reinfer(std::move(stale));
}

void Driver::reinfer(std::vector<Node*> queue) {
  for (std::size_t i = 0; i < queue.size() && reinferred_ < budget_; ++i) {
    Node* n = queue[i];
    ++reinferred_;
    if (n->erased() || !infer(*n, {.strict = false})) continue;
    push(n);
    for (const Value* v : n->outputs()) {
      if (!v) continue;
      for (const Use& u : v->uses()) queue.push_back(u.node);
      if (v->is_graph_output() && v->graph()->parent()) queue.push_back(v->graph()->parent());
    }
  }
}

void Driver::explain(const AnyRule& rule, const Node& n, const std::string& why) {
  if (explained_ < 0 || all_[static_cast<std::size_t>(explained_)].node != rule.node || !rule.node) return;
  if (!ctx_.explain->node.empty() && label(n) != ctx_.explain->node) return;
  if (miss_.any && !(miss_.reason.empty() && !why.empty())) return;
  miss_ = {1, 0, fmt::format("{} ({})", label(n), n.op().name), why, true};
}

void Driver::report_explanation() {
  if (explained_ < 0) return;
  const std::string_view rule = all_[static_cast<std::size_t>(explained_)].name();
  std::string text;
  if (!active_[static_cast<std::size_t>(explained_)]) {
    text = fmt::format("{}: switched off, or of a higher level than -O{}", rule, static_cast<int>(ctx_.level));
  } else if (explained_hits_ > 0) {
    const std::string times =
        ctx_.explain->node.empty() ? fmt::format("{} time{}", explained_hits_, explained_hits_ == 1 ? "" : "s") : "at " + ctx_.explain->node;
    text = fmt::format("{}: fired {}", rule, times);
  } else if (!miss_.any) {
    if (!ctx_.explanations.empty()) return;  // an earlier run found its roots
    text = fmt::format("{}: no node that could be its root{}", rule, ctx_.explain->node.empty() ? "" : " is named " + ctx_.explain->node);
  }
  if (miss_.any) {
    if (!text.empty()) ctx_.explanations.push_back(text);
    const std::string reason = miss_.reason.empty() ? "does not apply" : miss_.reason;
    text =
        fmt::format("{}: nearest miss at {}: {} node{} matched; {}", rule, miss_.root, miss_.bound_nodes, miss_.bound_nodes == 1 ? "" : "s", reason);
  }
  if (std::find(ctx_.explanations.begin(), ctx_.explanations.end(), text) == ctx_.explanations.end()) ctx_.explanations.push_back(std::move(text));
}

}  // namespace onnxopt
