// When an output proves nothing (all zeros, the same for every input), the values that it is computed from can: those that stand under one name in
// both models. A name may mean something else after a rewrite (the scaled weights of a Conv, say), so inner values that differ say nothing; those
// that agree on real data say that the models agree up to there.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "verify/compare/tolerance.h"

namespace onnxopt {

class InnerValues {
 public:
  // Looks from these outputs backwards, as far as is sensible.
  InnerValues(Model& reference, Model& candidate, const std::vector<const Value*>& outputs);
  bool empty() const { return wanted_.empty(); }

  using Record = std::unordered_map<std::string, RtValue>;
  // A tap that keeps the wanted values of the model's main graph.
  Executor::Tap record(const Model& model, Record& into) const;

  struct Proof {
    bool covered = false;             // every way from the inputs to the output passes an inner value that agrees
    std::vector<std::string> values;  // those values; none although covered: the output does not depend on the inputs
    std::size_t behind = 0;           // operators between them and the output, which stay unproven
    std::string text() const;         // if covered: what was compared instead
  };
  // `agrees`: compared, equal and not vacuous.
  Proof prove(const Value& output, const std::function<bool(const std::string&)>& agrees) const;
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::unordered_map<std::string, const Value*> wanted_;  // looked up only
  std::vector<std::string> names_;                        // the same, nearest to the outputs first
};

// What a node of the main graph reads: its inputs, and the outer values that its subgraphs capture. Constants not included.
std::vector<Value*> read_values(const Node& n);

}  // namespace onnxopt
