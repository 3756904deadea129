// One rewrite, from the first node it makes to its commit or its rollback. New nodes stand in front of the root, unused; a rollback erases
// them again, so that the graph is as it was. Nothing that others use changes before every check has passed.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "passes/rewrite/compiled_rule.h"

namespace onnxopt {

// Thrown by Rewriter::abandon, caught by the driver only.
struct RewriteAbandoned {
  std::string why;
};

// What a commit did, for the worklist: which nodes may match now.
struct CommitEffects {
  std::vector<Node*> made;       // live new nodes
  std::vector<Node*> users;      // of replaced values
  std::vector<Value*> lost_use;  // live values that a dead node no longer uses
  std::vector<Value*> retyped;   // values that took the place of others with another type
};

class RewriteTransaction {
 public:
  RewriteTransaction(PassContext& ctx, OutputOpsets target) : ctx_(ctx), target_(std::move(target)) {}
  Rewriter& begin(Node& root);
  // "" : committed, see effects(). Else the reason; the graph is as it was. `matched`: the nodes of the match, root included.
  std::string finish(const AnyRule& rule, std::span<Node* const> matched);
  // Undoes what the rewrite made; for a rewrite that does not apply after all.
  void roll_back();
  const CommitEffects& effects() const { return effects_; }

 private:
  struct Death {
    std::vector<Node*> nodes;
    std::int64_t freed_bytes = 0;
  };
  void drop_unused();
  std::string check_replacements(const std::vector<const Node*>& taking_part);
  std::string check_order(const Value& from, const Value& to, const Death& death);
  std::string check_lowering();
  Death simulate();
  std::size_t copies_needed() const;
  bool made_here(const Value& v) const;
  bool may_die(const Node& n) const;
  void commit(const AnyRule& rule, std::span<Node* const> matched, std::int64_t grown_bytes);
  void describe(const AnyRule& rule, const std::vector<std::string>& from);
  std::size_t take_place(Value& from, Value& to);
  int erase_dead(std::vector<Node*> queue);

  PassContext& ctx_;
  OutputOpsets target_;
  Rewriter rewriter_;
  CommitEffects effects_;
  std::unordered_map<const Value*, std::int64_t> remaining_;  // uses left in simulate(), where they differ
};

}  // namespace onnxopt
