// Small changes of a model, drawn by chance: what a rule's author did not think of. A mutant may be invalid or not run; who makes it finds out.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ir/core/model.h"
#include "verify/compare/random.h"

namespace onnxopt::fuzz {

struct MutationContext {
  Random& random;
  const std::function<std::unique_ptr<Model>()>& other;  // another model, to be joined to this one
};

// The model is as its file has it (not lifted), its types inferred. False: it does not apply here and nothing was changed.
struct MutationKind {
  const char* name;
  int weight;  // how often, relative to the others
  bool (*apply)(Model&, MutationContext&);
};
std::span<const MutationKind> constant_mutations();   // constants and the types of inputs
std::span<const MutationKind> node_mutations();       // attributes, operands, nodes put in and taken out
std::span<const MutationKind> structure_mutations();  // bodies, functions, other opsets, two models joined

template <class T>
const T& pick(std::span<const T> list, Random& random) {
  return list[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(list.size())))];
}
template <class T>
const T& pick(const std::vector<T>& list, Random& random) {
  return pick(std::span<const T>(list), random);
}

std::vector<Node*> all_nodes(Model& m);
std::vector<Value*> all_constants(Model& m);
// Inputs of the main graph that are not constants.
std::vector<Value*> free_inputs(Model& m);
void set_input_type(Value& v, const Type& t);
const OpSchema* row(const Model& m, std::string_view name);  // of ai.onnx at the model's opset; null: none

}  // namespace onnxopt::fuzz
