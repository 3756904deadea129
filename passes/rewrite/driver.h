// The worklist: runs a set of rules over one root graph and all its subgraphs until none applies. Every node is looked at once, then again only
// when something near it has changed, so the cost grows with the number of rewrites.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "passes/rewrite/compiled_rule.h"
#include "passes/rewrite/matcher.h"
#include "passes/rewrite/transaction.h"

namespace onnxopt {

// What to do when rules undo each other forever.
enum class EndlessRules { are_a_bug, are_left_out };

class Driver {
 public:
  // `active`: by index into rules.all(), whether the rule may run.
  Driver(const RuleSet& rules, std::vector<bool> active, PassContext& ctx, EndlessRules endless = EndlessRules::are_a_bug);
  bool run(Graph& root);  // true: something was rewritten

 private:
  void stop_endless(std::size_t nodes, std::size_t& limit);
  void seed(Graph& g);
  void push(Node* n);
  bool visit(Node& n);
  bool attempt(std::size_t rule, Node& n);
  bool attempt_pattern(const AnyRule& rule, Node& n, std::string& why);
  bool attempt_node(const AnyRule& rule, Node& n, std::string& why);
  void after_commit();
  void reinfer(std::vector<Node*> queue);
  void explain(const AnyRule& rule, const Node& n, const std::string& why);
  void report_explanation();

  const RuleSet& rules_;
  std::vector<AnyRule> all_;
  std::vector<bool> active_;
  PassContext& ctx_;
  EndlessRules endless_;
  Matcher matcher_;
  std::unique_ptr<RewriteTransaction> transaction_;
  std::vector<Node*> queue_;  // from head_ on
  std::size_t head_ = 0;
  std::vector<bool> queued_;  // by node id
  std::size_t commits_ = 0, reinferred_ = 0, budget_ = 0;
  std::string_view last_rule_, rule_before_;
  std::vector<RuleStats> stats_;
  // --explain
  int explained_ = -1;  // index into all_
  NearestMiss miss_;
  std::size_t explained_hits_ = 0;
};

}  // namespace onnxopt
