// NodeRule: a local rewrite as a function of one root node, for what is easier to say in code than as a pattern: constant folding, no-ops that
// depend on shapes, arithmetic on attributes. Rules and node rules live in the same worklist, the same table and the same --explain, and node
// rules are committed in the same way: all or nothing, lowered on trial, counted, fuelled.
#pragma once

#include <span>
#include <string_view>

#include "passes/rewrite/rule.h"

namespace onnxopt {

struct NodeRule {
  std::string_view name, summary;
  std::string_view
      ops;  // root ops, separated by spaces ("Relu Clip", "com.microsoft.Gelu"), or "*": every op of the table (opaque and kept nodes never)
  Level level = Level::o1;  // lowest level at which it runs
  // True: the rewrite is recorded in `rw` (rw.op, rw.constant, rw.replace of outputs of `n`). False: does not apply; rw.give_up(why) first says why,
  // in words that --explain prints. Must not change the graph itself. Is called very often: reject cheaply, before anything is allocated.
  bool (*visit)(const Node& n, Rewriter& rw) = nullptr;
  bool may_grow_nodes = false;  // false: refused where it leaves more nodes than it removes (after lowering)
};

std::span<NodeRule (*const)()> all_node_rules();  // passes/core/rule_table.cpp, by hand, sorted by name

}  // namespace onnxopt
