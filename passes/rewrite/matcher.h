// Matches compiled patterns at a root node, with backtracking over the operand orders of commutative operators. One matcher serves a whole
// worklist: its buffers are reused, so a miss allocates nothing.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "passes/rewrite/compiled_rule.h"

namespace onnxopt {

// The attempt that got furthest, for --explain.
struct NearestMiss {
  std::size_t bound_nodes = 0, progress = 0;
  std::string root, reason;
  bool any = false;
};

class Matcher {
 public:
  explicit Matcher(PassContext& ctx);
  // True: match() is complete, conditions included.
  bool match(const CompiledRule& rule, Node& root);
  const Match& match() const { return match_; }
  // Notes why a match that was complete came to nothing all the same (the driver refused it).
  void note_refusal(const std::string& why);
  // While set, misses are recorded there.
  void track(NearestMiss* miss) { miss_ = miss; }
  bool can_match(const Node& n) const;  // not kept, not opaque, no @attr references, not named by --keep

 private:
  struct Goal {
    const PatternInput* want;
    Value* value;
    Node* user;
  };
  bool run(std::size_t next);
  bool enter(int pattern_node, Node& n, std::size_t next);
  bool inputs_in_order(const PatternNode& want, Node& n, std::size_t next, bool swapped);
  bool plausible(const PatternInput& want, const Value* v, const Node& user);
  bool bind(int name, Value* v);
  bool bind_outputs(const PatternNode& want, Node& n);
  bool attributes(const PatternNode& want, const Node& n);
  bool complete();
  bool escapes();
  void undo(std::size_t names, std::size_t nodes, std::size_t captures);
  template <class F>
  bool miss(F&& reason, std::size_t bonus = 0);

  PassContext& ctx_;
  std::unordered_set<std::string> keep_;
  const CompiledRule* rule_ = nullptr;
  const Pattern* pattern_ = nullptr;
  Match match_;
  std::vector<Node*> bound_;  // by pattern node
  std::vector<char> has_value_, has_capture_;
  std::vector<int> name_trail_, node_trail_, capture_trail_;
  std::vector<Goal> goals_;
  std::size_t steps_ = 0;
  NearestMiss* miss_ = nullptr;
};

}  // namespace onnxopt
