// A node while it moves between versions. Steps edit a Draft, never the graph: a dry run and the real change are the same code (DESIGN 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/core/graph.h"

namespace onnxopt {

// An input of a draft: a value of the graph, a constant that a step makes, the output of a helper node, or nothing (omitted).
struct Arg {
  Value* value = nullptr;
  Tensor tensor;
  int helper = -1;  // index into Draft::helpers
  Type made_type;   // of a helper's output

  Arg() = default;
  Arg(Value* v) : value(v) {}              // NOLINT: implicit by design
  Arg(Tensor t) : tensor(std::move(t)) {}  // NOLINT: implicit by design
  bool present() const { return value || tensor || helper >= 0; }
  const Tensor* constant() const { return tensor ? &tensor : value ? value->constant() : nullptr; }
  Type type() const;
};

// A node that a step puts in front: newest version, one output. Its inputs may name earlier helpers.
struct Helper {
  std::string_view op;  // of ai.onnx
  std::vector<Arg> inputs;
  Attrs attrs;
};

class Draft {
 public:
  explicit Draft(const Node& n);
  explicit Draft(const Helper& h);  // a node that is not in a graph yet

  const Node* origin() const { return node_; }  // null: not in a graph yet
  std::size_t output_count() const { return node_ ? node_->outputs().size() : 1; }
  const Value* output(std::size_t i) const { return node_ ? node_->output(i) : nullptr; }  // null: omitted, or not in a graph yet
  const OpSchema* op;                                                                      // the row that attrs and inputs are spelled for
  Attrs attrs;
  std::vector<Arg> inputs;
  std::vector<Helper> helpers;
  std::vector<Type> helper_types;         // of their outputs
  std::size_t num_outputs;                // trailing outputs beyond it were found unused
  std::vector<std::string> more_outputs;  // names ("": any) of outputs that nobody reads, to be made behind the others
  bool changed = false;                   // more than `op` is not as it was

  bool has(std::size_t i) const { return i < inputs.size() && inputs[i].present(); }
  const Tensor* constant(std::size_t i) const { return i < inputs.size() ? inputs[i].constant() : nullptr; }
  // Elements of a constant int32/int64 input of rank 0 or 1, or of one whose elements inference knows.
  std::optional<Ints> constant_ints(std::size_t i) const;
  // Asking for a type or rank is noted: the original form is restored only while they are what the answer was given for.
  DType dtype(std::size_t i);  // undefined if not known
  std::optional<std::int64_t> rank(std::size_t i);
  std::optional<Shape> shape(std::size_t i);
  bool asked_types() const { return asked_types_; }

  bool output_used(std::size_t i) const;    // output i is present and something reads it
  void set(std::string name, AttrValue v);  // attribute
  void drop(std::string_view name);
  void set_input(std::size_t i, Arg a);  // may append
  void trim_inputs(std::size_t count);
  Arg add_helper(std::string_view op_name, std::vector<Arg> in, Attrs a, Type type);
  void touch() { changed = true; }

 private:
  const Node* node_;
  std::optional<Ints> known_ints(std::size_t i) const;
  mutable bool asked_types_ = false;
};

// The known value of attribute `name`, or `otherwise`. A reference to the caller's attribute is never known: steps run only on nodes without them.
std::int64_t int_attr(const Draft& d, std::string_view name, std::int64_t otherwise);
std::string string_attr(const Draft& d, std::string_view name, std::string_view otherwise);
float float_attr(const Draft& d, std::string_view name, float otherwise);

// A rank-0 constant holding `v` in `t` (a binary float of 16 bits or more, or an integer type); none if `t` is another type or cannot hold `v`
// exactly where `exact`.
std::optional<Tensor> float_scalar(DType t, double v);
// The one element of a constant, as a double; none if there are more, or of a type without numbers.
std::optional<double> scalar_value(const Tensor& t);

}  // namespace onnxopt
