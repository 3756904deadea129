// Decompositions: a node that the target opset cannot express becomes several nodes that it can. Written in the newest versions of their operators;
// what the target lacks of those is decomposed or lowered in turn, to a fixpoint. Only conversion does this (docs/convert.md).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "passes/opset/apply.h"
#include "passes/opset/opset.h"

namespace onnxopt {

// One node while it is replaced. Nodes are made in front of it and inferred at once; nothing is final until commit().
class Expansion {
 public:
  Expansion(Node& n, const OutputOpsets& target, ConstantPool& pool) : node_(n), target_(target), pool_(pool) {}
  Expansion(const Expansion&) = delete;
  Expansion& operator=(const Expansion&) = delete;

  // ---- the node
  const Node& node() const { return node_; }
  int since() const { return node_.op().since; }
  int opset() const { return target_.version(""); }
  Value* in(std::size_t i) const { return node_.input(i); }
  bool has(std::size_t i) const { return node_.input(i) != nullptr; }
  bool used(std::size_t output) const { return node_.output(output) && !node_.output(output)->unused(); }
  DType dtype(std::size_t i = 0) const { return dtype_of_value(in(i)); }
  static DType dtype_of_value(const Value* v) { return v && v->type.is_tensor() ? v->type.dtype : DType::undefined; }
  const Shape* shape(std::size_t i = 0) const { return shape_of(in(i)); }
  static const Shape* shape_of(const Value* v) { return v && v->type.is_tensor() && v->type.shape ? &*v->type.shape : nullptr; }
  std::optional<std::int64_t> rank(std::size_t i = 0) const;
  const Tensor* constant(std::size_t i) const { return in(i) ? in(i)->constant() : nullptr; }
  std::optional<Ints> constant_ints(std::size_t i) const;  // of a constant integer input of rank 0 or 1
  // Explicit, else the schema's default, else `otherwise`.
  std::int64_t integer(std::string_view name, std::int64_t otherwise = 0) const;
  float real(std::string_view name, float otherwise = 0) const;
  std::string text(std::string_view name, std::string_view otherwise = "") const;
  const Ints* integers(std::string_view name) const { return node_.attrs().get<Ints>(name); }

  // ---- what takes its place
  Node& make(std::string_view op_name, std::vector<Value*> inputs, Attrs attrs = {}, std::size_t outputs = 1);
  Node& make_row(const OpSchema& row, std::vector<Value*> inputs, Attrs attrs = {}, std::size_t outputs = 1);
  void put_before(Node& n) { at_ = &n; }  // what is made from now on stands in front of `n`, a node of the same graph behind this one
  Value* op(std::string_view op_name, std::vector<Value*> inputs, Attrs attrs = {});
  Value* tensor(const Tensor& t, std::string_view hint = "constant");
  Value* ints(const Ints& v, std::string_view hint = "shape");
  Value* index(std::int64_t v, std::string_view hint = "index");
  Value* scalar(DType t, double v);  // rank 0; rounded to t
  Value* cast(Value* v, DType t);    // v itself if it has that type
  // Common shapes of text
  Value* add(Value* a, Value* b);
  Value* sub(Value* a, Value* b);
  Value* mul(Value* a, Value* b);
  Value* div(Value* a, Value* b);
  Value* shape_value(Value* v);
  Value* reshape(Value* v, const Ints& to);  // 0 copies a dim
  Value* reshape_like(Value* v, Value* like);
  Value* transpose(Value* v, const Ints& perm);
  Value* unsqueeze(Value* v, const Ints& axes);
  Value* squeeze(Value* v, const Ints& axes);
  Value* slice(Value* v, std::int64_t from, std::int64_t to, std::int64_t axis, std::int64_t step = 1);
  Value* concat(std::vector<Value*> parts, std::int64_t axis);
  Value* reduce(std::string_view op_name, Value* v, const Ints& axes, bool keep = true);
  void result(std::size_t output, Value* v);
  // Of a node behind this one, which goes with it and has one output. Null: only nodes that go too read that; name them later.
  void result_of(Node& consumer, Value* v);
  // Under the name `as`, or its own. Not undone by roll_back: the last thing that may fail came before.
  std::shared_ptr<Graph> move_subgraph(std::string_view attr, Node& to, std::string_view as = {});

  void roll_back();                          // takes away what was made
  std::vector<Node*> commit(int depth = 0);  // replaces the node; what was made, in order. Depth: in how many other nodes' decompositions
  std::span<Node* const> made() const { return made_; }

 private:
  Node& node_;
  Node* at_ = &node_;
  const OutputOpsets& target_;
  ConstantPool& pool_;
  std::vector<Node*> made_;
  std::vector<std::pair<Value*, Value*>> results_;  // old, new
  std::vector<Node*> consumers_;                    // that go with the node
};

// What an ExpandFn says where it has nothing to do with the reason why the node does not fit.
inline constexpr const char* kOtherReason = "-";
// "" or why it does not apply; what was made until then is rolled back by the caller.
using ExpandFn = std::string (*)(Expansion&);
struct Decomposition {
  std::string_view op;
  ExpandFn expand;
  bool older = false;  // also (or only) of versions that lifting kept
  std::string_view domain = {};
};
std::span<const Decomposition> decompositions();  // passes/opset/expand_table.cpp, by hand, sorted by operator

// Replaces `n` by a decomposition, or by itself between Casts. "" and the new nodes in order, or why there is none.
std::string expand(Node& n, const std::string& why, const OutputOpsets& target, ConstantPool& pool, std::vector<Node*>& made, int depth = 0);
// Does `n` between Casts to a type that the target's version takes, where that is exact.
std::string expand_by_widening(Expansion& e);

}  // namespace onnxopt
