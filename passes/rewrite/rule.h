// Rule: a local rewrite as data. A pattern in ONNX text, conditions with printable names, a rewrite that cannot fail (STYLE 7 has the pattern
// language; docs/writing-rules.md describes it). The driver matches completely, asks the conditions, lets the rewrite record new nodes, lowers them
// on trial to the output opset, and commits all or nothing.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "passes/core/pass.h"

namespace onnxopt {

class CompiledRule;

// A complete match. Names are those of the pattern; asking for a name that is not in it is a bug (CHECK).
class Match {
 public:
  Value* operator[](std::string_view name) const;          // nullptr: absent optional input
  const Node& node(std::string_view output) const;         // the node that produces `output` in the pattern
  bool has_node(std::string_view output) const;            // false: that alternative or optional part did not match
  const Tensor& tensor(std::string_view name) const;       // CHECKs that the value is constant
  const Attribute* captured(std::string_view name) const;  // <axis = @axis>; null: the node has no such attribute (schema default applies)
  const Node& root() const { return *root_; }
  std::span<Node* const> nodes() const { return nodes_; }  // matched nodes, root last
  Graph& graph() const { return *root_->graph(); }
  PassContext& context() const { return *ctx_; }

 private:
  friend class Matcher;
  int index_of(std::string_view name) const;  // CHECKs
  const CompiledRule* rule_ = nullptr;
  PassContext* ctx_ = nullptr;
  Node* root_ = nullptr;
  std::vector<Value*> values_;            // by name
  std::vector<Node*> nodes_, producers_;  // producers_: by name
  std::vector<const Attribute*> attrs_;   // by capture
};

// Records what a rewrite builds, in front of the root node. Nothing is visible to the graph's users until the driver commits.
class Rewriter {
 public:
  Value* op(std::string_view type, std::vector<Value*> inputs, Attrs attrs = {});  // newest ai.onnx op, one output
  std::vector<Value*> op_n(std::string_view type, std::vector<Value*> inputs, Attrs attrs, std::size_t outputs);
  Value* constant(Tensor t, std::string_view name_hint = "");
  void replace(Value* from, Value* to);  // `from`: an output of a matched node
  // Through the context's Evaluator. If evaluation is not possible the rewrite is abandoned on the spot: this does not return (it throws what only
  // the driver catches).
  Tensor eval(std::string_view op, std::vector<Tensor> inputs, Attrs attrs = {});
  void give_up(std::string_view why);  // for what only the rewrite can find out, before any replace()
  // Like give_up, but does not return.
  [[noreturn]] void abandon(std::string why);
  // Declares that `n` takes part in this rewrite besides the matched nodes: its outputs may be replaced, and it counts as removed if it dies.
  void consume(const Node& n);
  // A node of any row (other domains, omitted outputs are not possible).
  std::vector<Value*> call(const OpSchema& op, std::vector<Value*> inputs, Attrs attrs = {}, std::size_t outputs = 1);

  PassContext& context() const { return *ctx_; }
  Graph& graph() const { return *graph_; }  // for reading; a rewrite changes nothing but through this class
  SymbolTable& symbols() const;
  const std::string& failure() const { return failure_; }

 private:
  friend class Driver;
  friend class RewriteTransaction;
  Graph* graph_ = nullptr;
  Node* at_ = nullptr;
  PassContext* ctx_ = nullptr;
  std::vector<Node*> made_;
  std::vector<Value*> constants_;
  std::vector<std::pair<Value*, Value*>> replaced_;
  std::vector<const Node*> consumed_;
  std::string failure_;
};

// A condition. `what` is what --explain prints and UNCHANGED cases name. A condition that holds for each of `names` says so through `each`
// instead of `holds`, so that --explain can name the one that fails: "used_once(c)".
struct Where {
  std::string what;
  std::function<bool(const Match&)> holds = {};
  std::vector<std::string> names = {};  // must occur in the pattern (checked when the rule is compiled)
  std::function<bool(const Match&, std::string_view name)> each = {};
};

struct Rule {
  std::string_view name, summary, match;
  std::vector<Where> where = {};
  std::function<void(const Match&, Rewriter&)> rewrite;
  std::string_view keep = {};   // inner values (names separated by spaces) that may be used outside the match; they stay unless replaced
  Level level = Level::o2;      // lowest level at which it runs
  bool may_grow_nodes = false;  // false: refused where it leaves more nodes than it removes (after lowering)
};

// ---- the conditions most rules need (passes/rewrite/conditions.cpp). `names`: pattern names separated by spaces.
Where is_constant(std::string_view names);  // absent optional inputs hold
Where used_once(std::string_view names);    // one use in all, no graph output
Where attr_is(std::string_view output, std::string_view attr, std::int64_t v);
Where attr_is(std::string_view output, std::string_view attr, std::string_view v);
Where attr_absent(std::string_view output, std::string_view attr);
Where input_absent(std::string_view names);
Where has_rank(std::string_view name, std::int64_t rank);
Where rank_known(std::string_view names);
Where static_shape(std::string_view names);
Where same_shape(std::string_view a, std::string_view b);  // provably, symbolic dims included
Where is_float_tensor(std::string_view names);
Where dtype_is(std::string_view names, DType t);
Where custom(std::string what, std::function<bool(const Match&)> holds);

// The constant behind `v` as rewrites may see it; null: none, sparse, or an initializer that the caller may override (--keep-overridable).
const Tensor* constant_of(const Value* v, const PassContext& ctx);

std::span<Rule (*const)()> all_rules();  // passes/core/rule_table.cpp, by hand, sorted by name

// Every rule is also a pass of its name. `rules_pass` runs a set of them (and constant folding, if asked) in one worklist indexed by root op.
std::unique_ptr<Pass> rule_pass(std::string_view name);
std::unique_ptr<Pass> rules_pass(std::vector<std::string> names);

}  // namespace onnxopt
