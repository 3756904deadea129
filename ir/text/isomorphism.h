// Pairs the graphs, values and nodes of two models so that everything corresponds, and reports where that fails. Linear time: the outputs of a
// graph fix the pairing of all that they depend on; what no output depends on is paired by structural hash, sinks first. Internal to ir/text.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ir/core/model.h"
#include "ir/text/text.h"

namespace onnxopt::text {

class Isomorphism {
 public:
  explicit Isomorphism(const EqualOptions& options) : options_(options) {}
  // Two root graphs; `public_names`: names of inputs and outputs must agree too. Values of earlier pairs stay paired.
  void match(const Graph& a, const Graph& b, bool public_names);
  void report(std::string what);
  // "" if everything corresponded so far.
  std::string differences() const;

  const std::unordered_map<const Node*, const Node*>& nodes() const { return nodes_; }

 private:
  struct Pair {
    const Value *a, *b;
  };
  using Rest = std::vector<const Node*>;

  void pair_graphs(const Graph& a, const Graph& b, bool public_names);
  void pair_values(const Value* a, const Value* b);
  void drain();
  bool agree(const Value& a, const Value& b);  // one-to-one so far?
  void compare_values(const Value& a, const Value& b);
  void compare_constants(const Value& a, const Value& b);
  void compare_nodes(const Node& a, const Node& b);
  void compare_metadata(const Value& a, const Value& b);
  void compare_metadata(const Node& a, const Node& b);
  void pair_inputs(const Node& a, const Node& b);
  void pair_node_outputs(const Node& a, const Node& b);
  void pair_rest(const Graph& a, const Graph& b);
  void pair_dead_nodes(const Graph& a, const Graph& b);
  void pair_dead_constants(const Graph& a, const Graph& b);
  Rest unpaired(const Graph& g, bool first) const;
  std::uint64_t value_hash(const Value* v, bool first);
  std::uint64_t node_hash(const Node& n, bool first);

  const EqualOptions options_;
  std::unordered_map<const Value*, const Value*> forward_, backward_;
  std::unordered_map<const Node*, const Node*> nodes_, nodes_backward_;
  std::unordered_map<const Graph*, const Graph*> graphs_;
  std::vector<std::pair<const Graph*, const Graph*>> graph_order_;
  std::vector<Pair> work_;
  std::unordered_map<const Node*, std::uint64_t> hashes_;
  std::vector<std::string> lines_;
  std::size_t count_ = 0;
};

}  // namespace onnxopt::text
