// Shape and type inference, symbolic, with value propagation. Types come from graph inputs (facts), constants and operator semantics;
// value_info of the file is never used except for outputs of operators that nothing is known of, where rank and dims stay unknown.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "ir/core/model.h"

namespace onnxopt {

class InferDriver;

// What an inference function sees of one node and where it puts its results. An output that is not set becomes unknown; an unknown dim of a set
// output becomes an anonymous symbol of that value. The element type of a tensor may be undefined: not known.
class InferCtx {
 public:
  InferCtx(Node& node, SymbolTable& symbols, InferDriver* driver = nullptr) : node_(node), symbols_(symbols), driver_(driver) {}
  const Node& node() const { return node_; }
  Node& mutable_node() { return node_; }
  SymbolTable& symbols() { return symbols_; }
  InferDriver* driver() { return driver_; }  // for control flow and function calls
  int since() const { return node_.op().since; }
  std::size_t num_inputs() const { return node_.inputs().size(); }
  std::size_t num_outputs() const { return node_.outputs().size(); }
  bool has_input(std::size_t i) const { return node_.input(i) != nullptr; }
  bool has_attr(std::string_view name) const { return node_.attrs().has(name); }
  const Type& input(std::size_t i) const;  // kind unknown if omitted or not known
  DType input_dtype(std::size_t i) const { return input(i).dtype; }
  const Shape* input_shape(std::size_t i) const;  // null: unknown rank
  const Tensor* constant(std::size_t i) const;    // null: not constant
  // Elements of an integer or bool (0, 1) input of rank 0 or 1 and at most kMaxKnown elements, constant or propagated; nullopt: not known at all.
  // Single elements may be unknown.
  std::optional<std::vector<Dim>> known(std::size_t i) const;
  std::optional<Ints> known_ints(std::size_t i) const;  // all elements are numbers
  bool has_known(std::size_t i) const;
  template <class T>
  T attr(std::string_view name) const {
    return node_.attr<T>(name);
  }
  template <class T>
  T attr_or(std::string_view name, T otherwise) const {
    return node_.attr_or<T>(name, std::move(otherwise));
  }
  template <class T>
  const T* attr_ptr(std::string_view name) const {
    return node_.attrs().get<T>(name);
  }
  void set(std::size_t i, Type t);  // ignored if the output is omitted
  void set_tensor(std::size_t i, DType t, std::optional<Shape> s);
  void set_known(std::size_t i, std::vector<Dim> elements);  // after set; ignored where the type does not fit
  // Bad input: the node contradicts the spec (e.g. MatMul of 3x4 by 5x6). Throws Error naming node and op.
  [[noreturn]] void fail(const std::string& why) const;

 private:
  friend class InferDriver;
  Node& node_;
  SymbolTable& symbols_;
  InferDriver* driver_;
  bool changed_ = false;
  std::vector<bool> set_;  // empty while only output 0 was touched
  bool set0_ = false;
};

inline constexpr std::size_t kMaxKnown = 64;  // longer integer vectors are data, not shapes

using InferFn = void (*)(InferCtx&);
// Inference function for a row (its own version's semantics); null: none known.
InferFn infer_function(const OpSchema& op);

struct InferOptions {
  bool strict = true;  // false: a node that contradicts itself gets unknown output types instead of an Error
};
// Infers outputs of one node from its inputs' current types (subgraphs and local functions included).
// Returns true if any output type or known value changed.
bool infer(Node& node, const InferOptions& options = {});
// The same for all nodes of `graph` in order, subgraphs included.
void infer(Graph& graph, const InferOptions& options = {});
void infer(Model& model, const InferOptions& options = {});  // sets input types from declarations first; then main graph and functions

}  // namespace onnxopt
