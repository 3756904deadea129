// y = f (constants)  ==>  y = constant      through the evaluator, in the precision of the operator's own definition
// Never: random and control flow operators, calls (they match no rule), what has the caller's attributes, DequantizeLinear and widening casts of
// stored weights (a quantized or compressed model stays so). What would grow the file beyond the budget is not even computed where its size is known.
#include <map>

#include "passes/cleanup/facts.h"
#include "passes/cleanup/fold_region.h"

namespace onnxopt {
namespace {

// Constants of up to this many elements are biases, scales and shapes: widening them costs less than the node. More are stored weights.
constexpr std::int64_t kSmall = 1024;

// Why `n` stays, whatever its inputs are.
const char* never_folded(const Node& n) {
  if (n.op().has(kNondeterministic) || n.op().has(kControlFlow) || n.op().has(kOpaque) || n.kept) return "the operator is never folded";
  if (!plain(n)) return "an attribute is the caller's";
  if (n.is("DequantizeLinear")) return "a quantized model stays quantized";
  if (n.inputs().empty()) return "there is no input";
  for (const Value* v : n.inputs())
    if (v && v->extra() && v->extra()->sparse) return "an input is not constant";
  const bool weight_cast = (n.is("Cast") || n.is("CastLike")) && n.input(0)->constant() && n.input(0)->constant()->size() > kSmall;
  if (weight_cast && bit_width(n.output()->type.dtype) > bit_width(n.input(0)->constant()->dtype())) return "stored weights are not widened";
  for (const Value* v : n.outputs())
    if (v && v->type.kind != Type::Kind::unknown && !v->type.is_tensor()) return "an output is not a tensor";
  return nullptr;
}

const char* must_stay(const Node& n) {
  if (const char* why = never_folded(n)) return why;
  for (const Value* v : n.inputs())
    if (v && !v->constant()) return "an input is not constant";
  return nullptr;
}

// What the outputs will take, less what the inputs give free, is more than the budget. Only a bound from inferred types: the commit counts exactly.
bool too_large(const Node& n, std::int64_t budget) {
  std::int64_t bytes = 0;
  for (const Value* v : n.outputs())
    if (v) bytes += static_cast<std::int64_t>(static_bytes(v->type).value_or(0));
  for (const Value* v : n.inputs())
    if (v && v->used_once()) bytes -= static_cast<std::int64_t>(v->constant()->byte_size());
  return bytes > budget;
}

using Computed = std::map<const Value*, Tensor>;  // looked up only

// Puts the outputs of `n` into `computed`. `n`'s inputs are constants, or computed already.
bool compute(const Node& n, Rewriter& rw, Computed& computed) {
  std::vector<Tensor> in;
  for (const Value* v : n.inputs()) in.push_back(!v ? Tensor() : v->constant() ? *v->constant() : computed.at(v));
  auto result = rw.context().evaluator->evaluate(OpCall{&n.op(), &n.attrs(), n.outputs().size(), &n}, in);
  if (!result) return no(rw, result.reason.c_str());
  for (std::size_t i = 0; i < n.outputs().size(); ++i) {
    if (!n.output(i) || n.output(i)->unused()) continue;
    if (i >= result->size() || !(*result)[i]) return no(rw, "an output was not computed");
    computed[n.output(i)] = (*result)[i];
  }
  return true;
}

bool fold_together(const Node& n, Rewriter& rw) {
  const auto region = fold_region(
      n, [](const Node& other) { return never_folded(other) == nullptr; }, rw.context().growth.left_bytes);
  if (region.nodes.size() < 2) return no(rw, "the result would grow the file beyond the budget");
  Computed computed;
  for (const Node* one : region.nodes)
    if (!compute(*one, rw, computed)) return false;
  for (const Node* one : region.nodes)
    if (one != &n) rw.consume(*one);
  for (Value* v : region.results) rw.replace(v, rw.constant(computed.at(v), v->name()));
  return true;
}

bool visit(const Node& n, Rewriter& rw) {
  if (const char* why = must_stay(n)) return no(rw, why);
  if (too_large(n, rw.context().growth.left_bytes)) return fold_together(n, rw);
  Computed computed;
  if (!compute(n, rw, computed)) return false;
  for (Value* v : n.outputs())
    if (v && !v->unused()) rw.replace(v, rw.constant(computed.at(v), v->name()));
  return true;
}

}  // namespace

NodeRule fold_constants() { return {"fold-constants", "Compute what depends on constants only", "*", Level::o1, visit}; }

}  // namespace onnxopt
