// Which constants a graph writes as Constant nodes, and before which node each stands. Internal to ir/io.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

// A constant is written as a Constant node where the file had it so, in function bodies (they have no initializers), and in subgraphs of IR version
// 3, whose initializers would have to be inputs; else as an initializer.
bool is_constant_node(const Value& constant, std::int64_t ir_version);

class ConstantNodes {
 public:
  ConstantNodes(const Graph& root, std::int64_t ir_version);
  // Those that stand right before `n`: n or a node in its subgraphs is the first to read them.
  const std::vector<const Value*>& before(const Node& n) const { return list(before_, &n); }
  // Those of `g` that no node reads; they stand last.
  const std::vector<const Value*>& last(const Graph& g) const { return list(last_, &g); }

 private:
  template <class Map, class Key>
  const std::vector<const Value*>& list(const Map& map, Key key) const {
    const auto found = map.find(key);
    return found == map.end() ? none_ : found->second;
  }
  void visit(const Graph& g);
  void place(const Value* v, const Node* reader);

  std::int64_t ir_version_;
  std::unordered_set<const Value*> placed_;
  std::unordered_map<const Node*, std::vector<const Value*>> before_;
  std::unordered_map<const Graph*, std::vector<const Value*>> last_;
  std::vector<const Value*> none_;
};

}  // namespace onnxopt
