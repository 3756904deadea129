// Value, Node and Graph: the mutable IR. The Graph owns nodes and values (their memory is in arenas of the Model); raw pointers are
// handles and stay valid until the model dies; ids are never reused. Erased nodes and values are unlinked at once; what they hold is freed by
// Model::collect(), which the pass manager calls between passes. Def-use is edited by Graph methods only. Nodes stand in topological order at all
// times; iteration is in list order. A Value of an outer graph may be used by nodes of subgraphs: those uses are in uses() too.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/core/attribute.h"
#include "ir/core/type.h"
#include "ir/ops/op_schema.h"

namespace onnxopt {

class Graph;
class Model;
class Node;
class Value;
struct Function;

struct Use {
  Node* node;
  std::uint32_t index;  // input index at that node
};

// How a constant stands in the file: as initializer (null record) or as a Constant node.
struct ConstantNodeRecord {
  std::string node_name, doc_string, unknown, overload;
  StringPairs metadata;
  std::string attr_name = "value";  // value, value_float, value_ints, ... as the file spelled it
};

// What a file says of a value besides name and type; null in most values.
struct ValueExtra {
  Type declared;  // type in the file (value_info, input, output). For graph inputs a fact, elsewhere a hint only
  bool has_declared = false;
  std::vector<std::string> dim_denotations;  // per dim, or empty
  std::string type_denotation, doc_string, unknown;
  StringPairs metadata;
  StringPairs quantization;                                 // quantization_annotation: quant_parameter_tensor_names
  std::shared_ptr<const ConstantNodeRecord> constant_node;  // constant that the file has as a Constant node
  std::shared_ptr<const SparseTensor> sparse;               // sparse initializer; such a value is opaque to rules
  std::string opaque_type;                                  // serialized TypeProto where Type cannot hold it
};

class Value {
 public:
  std::uint32_t id() const { return id_; }
  const std::string& name() const { return name_; }
  // Renames; a name chosen by us (`from_file` false) may be changed again on save to stay unique.
  void set_name(std::string name, bool from_file = false) {
    name_ = std::move(name);
    name_from_file_ = from_file;
  }
  bool name_from_file() const { return name_from_file_; }

  Type type;  // what inference knows; the trusted type. Declared types are in extra()
  std::unique_ptr<std::vector<Dim>>
      known;  // value propagation: elements of an integer or bool (0, 1) tensor of rank 0 or 1, where (partly) known; null for constants

  Graph* graph() const { return graph_; }
  Node* producer() const { return producer_; }                  // null: graph input or constant
  std::uint32_t output_index() const { return output_index_; }  // at the producer
  bool is_graph_input() const { return is_input_; }
  bool is_graph_output() const { return output_uses_ > 0; }
  bool erased() const { return erased_; }
  const Tensor* constant() const { return constant_ ? &constant_ : nullptr; }  // initializer or (lifted) Constant node
  std::span<const Use> uses() const { return uses_; }                          // order is unspecified but deterministic
  bool unused() const { return uses_.empty() && output_uses_ == 0; }
  bool used_once() const { return uses_.size() == 1 && output_uses_ == 0; }
  const ValueExtra* extra() const { return extra_.get(); }
  ValueExtra& make_extra() {
    if (!extra_) extra_ = std::make_unique<ValueExtra>();
    return *extra_;
  }
  void clear_extra() { extra_.reset(); }

 private:
  friend class Graph;
  friend class Node;
  std::uint32_t id_ = 0, output_index_ = 0, output_uses_ = 0;
  bool is_input_ = false, name_from_file_ = false, erased_ = false;
  std::string name_;
  Graph* graph_ = nullptr;
  Node* producer_ = nullptr;
  Tensor constant_;
  std::vector<Use> uses_;
  std::unique_ptr<ValueExtra> extra_;
};

// Base of what passes/opset remembers of a node that it lifted; opaque to everybody else.
struct LiftRecord {
  virtual ~LiftRecord() = default;
};

struct NodeExtra {
  std::string doc_string, overload, unknown;  // unknown: serialized NodeProto fields incl. device_configurations
  StringPairs metadata;
};

class Node {
 public:
  std::uint32_t id() const { return id_; }
  const OpSchema& op() const { return *op_; }
  void set_op(const OpSchema& op) { op_ = &op; }  // same inputs and outputs, another version or op
  bool is(std::string_view ai_onnx_op) const { return op_->is(ai_onnx_op); }
  Graph* graph() const { return graph_; }
  std::string name;                                             // may be empty or repeated
  std::span<Value* const> inputs() const { return inputs_; }    // nullptr: omitted optional input
  std::span<Value* const> outputs() const { return outputs_; }  // nullptr: omitted optional output
  Value* input(std::size_t i) const { return i < inputs_.size() ? inputs_[i] : nullptr; }
  Value* output(std::size_t i = 0) const { return i < outputs_.size() ? outputs_[i] : nullptr; }
  const Attrs& attrs() const { return attrs_; }
  Attrs& mutable_attrs() { return attrs_; }  // graph attributes: through Graph::adopt_subgraph
  // Explicit value, else the schema's default; CHECKs that there is one of them. T: int64_t, float, std::string, Ints, Floats, Strings.
  template <class T>
  T attr(std::string_view attr_name) const;
  template <class T>
  T attr_or(std::string_view attr_name, T otherwise) const {
    const T* v = attrs_.get<T>(attr_name);
    return v ? *v : otherwise;
  }
  std::vector<Graph*> subgraphs() const;  // of all graph attributes, in attribute order
  const NodeExtra* extra() const { return extra_.get(); }
  NodeExtra& make_extra() {
    if (!extra_) extra_ = std::make_unique<NodeExtra>();
    return *extra_;
  }
  std::shared_ptr<const LiftRecord> lift_record;  // null: not lifted
  bool kept = false;           // of an older op version that was not lifted: no rule matches, inference and kernel of its own version
  bool has_ref_attrs() const;  // inside a function body: some attribute is the caller's

  Node* next() const { return next_; }
  Node* prev() const { return prev_; }
  bool erased() const { return erased_; }

 private:
  friend class Graph;
  std::uint32_t id_ = 0;
  bool erased_ = false, holds_subgraphs_ = false;
  const OpSchema* op_ = nullptr;
  Graph* graph_ = nullptr;
  Node *prev_ = nullptr, *next_ = nullptr;
  std::uint64_t order_ = 0;
  std::vector<Value*> inputs_, outputs_;
  std::vector<std::uint32_t> use_slots_;  // position of input i in inputs_[i]->uses_
  Attrs attrs_;
  std::unique_ptr<NodeExtra> extra_;
};

// Stable-address storage in blocks, owned by the Model (so that a node can move between graphs); objects live until the arena dies.
template <class T>
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  T& make() {
    if (used_ == kBlock) {
      blocks_.push_back(std::make_unique<T[]>(kBlock));
      used_ = 0;
    }
    return blocks_.back()[used_++];
  }

 private:
  static constexpr std::size_t kBlock = 64;
  std::vector<std::unique_ptr<T[]>> blocks_;
  std::size_t used_ = kBlock;
};

class Graph {
 public:
  // A model's main graph, a function's body, or (parent non-null, set by adopt_subgraph) the subgraph of a node.
  explicit Graph(Model& model) : model_(&model) {}
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  Model& model() const { return *model_; }
  Node* parent() const { return parent_; }  // node that holds this subgraph; null otherwise
  Graph* outer() const { return parent_ ? parent_->graph() : nullptr; }
  Function* function() const { return function_; }  // set for a function body (not for subgraphs in it)
  void set_function(Function* f) { function_ = f; }
  Graph& root();  // outermost graph: main graph or function body

  std::string name, doc_string, unknown;
  StringPairs metadata;
  // What a file declares of an output whose value is declared elsewhere already: a captured value, an input, a value listed twice.
  struct OutputNote {
    std::size_t index;
    const Value* value;
    std::shared_ptr<const ValueExtra> extra;
  };
  std::vector<OutputNote> output_notes;

  // ---- iteration: list order = topological order. The current node and others may be erased or inserted while iterating.
  class NodeIterator {
   public:
    using value_type = Node;
    using difference_type = std::ptrdiff_t;
    explicit NodeIterator(Node* n) : node_(n), next_(n ? n->next() : nullptr) {}
    Node& operator*() const { return *node_; }
    NodeIterator& operator++() {
      node_ = next_;
      while (node_ && node_->erased()) node_ = node_->next();  // erased nodes keep their links
      next_ = node_ ? node_->next() : nullptr;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const NodeIterator& o) const { return node_ == o.node_; }

   private:
    Node *node_, *next_;
  };
  struct NodeRange {
    Node* first;
    NodeIterator begin() const { return NodeIterator(first); }
    NodeIterator end() const { return NodeIterator(nullptr); }
  };
  NodeRange nodes() const { return {first_}; }
  Node* first() const { return first_; }
  Node* last() const { return last_; }
  std::size_t node_count() const { return node_count_; }  // of this graph, subgraphs not included
  bool has_subgraphs() const { return holders_ > 0; }     // of some node; false spares a walk over all nodes
  std::span<Value* const> inputs() const { return inputs_; }
  std::span<Value* const> outputs() const { return outputs_; }
  std::vector<Value*> constants() const;               // live constants, in creation order
  bool is_before(const Node& a, const Node& b) const;  // both in this graph
  // All live values of this graph: inputs, constants, node outputs in node order.
  void for_each_value(const std::function<void(Value&)>& f) const;

  // ---- building
  Value& add_input(std::string value_name, Type type);        // name is the file's
  void add_output(Value& v);                                  // v: of this graph or, in a subgraph, captured
  Value& add_constant(std::string_view name_hint, Tensor t);  // sets the type
  // A node at the end / before `at`. Outputs: `num_outputs` new values, named after `out_hint` (made unique on save).
  Node& append(const OpSchema& op, std::vector<Value*> in, Attrs attrs = {}, std::size_t num_outputs = 1);
  Node& insert_before(Node& at, const OpSchema& op, std::vector<Value*> in, Attrs attrs = {}, std::size_t num_outputs = 1);
  Value& add_node_output(Node& n);                  // appends one output
  void add_omitted_output(Node& n);                 // appends nullptr
  void set_output_omitted(Node& n, std::size_t i);  // erases the unused value of output i
  // Makes `sub` the value of graph attribute `attr_name` of `n`; sets its parent.
  void adopt_subgraph(Node& n, std::string attr_name, std::shared_ptr<Graph> sub);

  // ---- editing
  void set_input(Node& n, std::size_t i, Value* v);  // i may be == size: appends; nullptr: omitted
  void resize_inputs(Node& n, std::size_t count);    // drops trailing inputs
  // All uses of `from` (inner ones and graph outputs included) become uses of `to`. Public names survive: if `from` is a graph output, `to`
  // takes its name where it can, else an Identity node is inserted; the number of inserted nodes is returned (0 or 1).
  std::size_t replace_all_uses(Value& from, Value& to);
  void erase(Node& n);  // CHECKs that nothing uses its outputs; its subgraphs' uses are released
  void erase_unused_constants();
  void erase_value(Value& v);                    // an unused constant, or an unused input that is also a constant
  void set_constant(Value& v, Tensor t);         // turns input or existing constant into this constant
  void clear_constant(Value& v);                 // an input that was also an initializer becomes a plain input
  void remove_input(std::size_t i);              // graph input i: must be unused, or a constant (stays a constant)
  void replace_output(std::size_t i, Value& v);  // graph output i becomes v, nothing else changes
  void remove_output(std::size_t i);
  void move_before(Node& n, Node& at);  // caller keeps topological order
  // Moves all nodes and constants of `from` (a subgraph whose inputs are unused or replaced) in front of `at` in this graph. Its outputs() stay
  // listed there, so that the caller can replace uses; afterwards erase the node that holds `from`.
  void splice_before(Node& at, Graph& from);
  // Sorts the nodes topologically, stably; false if there is a cycle (nodes on it: `culprit`).
  bool sort_topologically(Node** culprit = nullptr);

 private:
  friend class Model;
  static void free_contents(Node& n);
  static void free_contents(Value& v);
  Value& new_value();
  Node& new_node(const OpSchema& op, std::vector<Value*> in, Attrs attrs, std::size_t num_outputs);
  void mark_erased(Value& v);
  void move_output_uses(Value& from, Value& to, std::size_t& inserted);
  void add_use(Value& v, Node& n, std::uint32_t i);
  void drop_use(Node& n, std::uint32_t i);
  void link(Node& n, Node* before);
  void unlink(Node& n);
  void make_room(Node& n);

  Model* model_;
  Node* parent_ = nullptr;
  Function* function_ = nullptr;
  Node *first_ = nullptr, *last_ = nullptr;
  std::size_t node_count_ = 0, holders_ = 0;  // holders: nodes with subgraphs
  std::vector<Value*> inputs_, outputs_;
  std::vector<Value*> constants_;  // in creation order; may hold erased ones and ones that moved away until swept
  std::size_t dead_constants_ = 0;
};

// Visits `g` and all graphs inside it, outer before inner, in node order.
void for_each_graph(Graph& g, const std::function<void(Graph&)>& visit);
// Nodes in g and all its subgraphs.
std::size_t total_nodes(const Graph& g);
// Copies all nodes and constants of `from` into `into` before `at` (null: at the end); `map` holds the replacements of from's inputs and captured
// values on entry (unmapped captured values stay themselves) and those of all copied values on return. Subgraphs are cloned too.
void clone_nodes(const Graph& from, Graph& into, Node* at, std::unordered_map<const Value*, Value*>& map);

}  // namespace onnxopt
