// A Rule whose pattern text is parsed, and the set of rules that a worklist runs, indexed by root operator.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "passes/rewrite/node_rule.h"
#include "passes/rewrite/pattern.h"

namespace onnxopt {

class CompiledRule {
 public:
  explicit CompiledRule(Rule rule);  // InternalError: wrong pattern text, a name in `where` or `keep` that is not in the pattern
  const Rule& rule() const { return rule_; }
  const PatternNames& names() const { return names_; }
  const std::vector<Pattern>& alternatives() const { return alternatives_; }
  bool may_escape(int name) const { return keep_[static_cast<std::size_t>(name)]; }
  std::size_t size() const { return size_; }  // nodes of the largest alternative
  int depth() const { return depth_; }

 private:
  Rule rule_;
  PatternNames names_;
  std::vector<Pattern> alternatives_;
  std::vector<bool> keep_;
  std::size_t size_ = 0;
  int depth_ = 1;
};

// One entry of the worklist's index: exactly one pointer is set.
struct AnyRule {
  const CompiledRule* pattern = nullptr;
  const NodeRule* node = nullptr;
  std::string_view name() const { return pattern ? pattern->rule().name : node->name; }
  Level level() const { return pattern ? pattern->rule().level : node->level; }
  bool may_grow_nodes() const { return pattern ? pattern->rule().may_grow_nodes : node->may_grow_nodes; }
};

// Rules by root op, bigger patterns first (they must see their nodes before smaller ones take them away), then in the order given.
class RuleSet {
 public:
  void add(Rule rule);
  void add(NodeRule rule);
  std::vector<AnyRule> all() const;
  // Indices into all(), in the order to try, of rules with a root that `op` matches.
  const std::vector<std::uint16_t>& at(const OpSchema& op) const;
  int depth() const { return depth_; }  // of the deepest pattern
  void build();                         // after the last add

 private:
  std::vector<std::unique_ptr<CompiledRule>> patterns_;
  std::vector<std::unique_ptr<NodeRule>> nodes_;
  std::vector<AnyRule> all_;
  std::vector<std::vector<std::uint16_t>> by_op_;  // by row number in all_op_versions()
  std::vector<std::uint16_t> none_;
  int depth_ = 1;
};

}  // namespace onnxopt
