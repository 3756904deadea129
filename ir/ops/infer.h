// Shape and type inference, symbolic, with value propagation. Types come from graph inputs (facts), constants and operator semantics;
// value_info of the file is never used except for outputs of operators that nothing is known of, where rank and dims stay unknown.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "ir/core/model.h"

namespace onnxopt {

// What an inference function sees of one node and where it puts its results.
class InferCtx {
 public:
  InferCtx(Node& node, SymbolTable& symbols) : node_(node), symbols_(symbols) {}
  const Node& node() const { return node_; }
  SymbolTable& symbols() { return symbols_; }
  std::size_t num_inputs() const { return node_.inputs().size(); }
  std::size_t num_outputs() const { return node_.outputs().size(); }
  bool has_input(std::size_t i) const { return node_.input(i) != nullptr; }
  const Type& input(std::size_t i) const;                              // kind unknown if omitted or not known
  DType input_dtype(std::size_t i) const { return input(i).dtype; }
  const Shape* input_shape(std::size_t i) const;                       // null: unknown rank
  const Tensor* constant(std::size_t i) const;                         // null: not constant
  // Elements of an integer input of rank 0 or 1, constant or propagated; nullopt: not known at all. Single dims may be unknown.
  std::optional<std::vector<Dim>> known(std::size_t i) const;
  std::optional<Ints> known_ints(std::size_t i) const;                 // all elements are numbers
  template <class T> T attr(std::string_view name) const { return node_.attr<T>(name); }
  void set(std::size_t i, Type t);                                     // ignored if the output is omitted
  void set_tensor(std::size_t i, DType t, std::optional<Shape> s);
  void set_known(std::size_t i, std::vector<Dim> elements);
  // Bad input: the node contradicts the spec (e.g. MatMul of 3x4 by 5x6). Throws Error naming node and op.
  [[noreturn]] void fail(const std::string& why) const;

 private:
  Node& node_;
  SymbolTable& symbols_;
};

using InferFn = void (*)(InferCtx&);
// Inference function for a row (its own version's semantics); null: none known.
InferFn infer_function(const OpSchema& op);

struct InferOptions {
  bool strict = true;     // false: a node that contradicts itself gets unknown output types instead of an Error
};
// Infers outputs of one node from its inputs' current types (subgraphs and local functions included).
// Returns true if any output type or known value changed.
bool infer(Node& node, const InferOptions& options = {});
// The same for all nodes of `graph` in order, subgraphs included.
void infer(Graph& graph, const InferOptions& options = {});
void infer(Model& model, const InferOptions& options = {});            // sets input types from declarations first; then main graph and functions

}  // namespace onnxopt
