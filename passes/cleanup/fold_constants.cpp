// y = f (constants)  ==>  y = constant      through the evaluator, in the precision of the operator's own definition
// Never: random and control flow operators, calls (they match no rule), what has the caller's attributes, DequantizeLinear and widening casts of
// stored weights (a quantized or compressed model stays so). What would grow the file beyond the budget is not even computed where its size is known.
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

// Constants of up to this many elements are biases, scales and shapes: widening them costs less than the node. More are stored weights.
constexpr std::int64_t kSmall = 1024;

const char* must_stay(const Node& n) {
  if (n.op().has(kNondeterministic) || n.op().has(kControlFlow) || n.op().has(kOpaque) || n.kept) return "the operator is never folded";
  if (!plain(n)) return "an attribute is the caller's";
  if (n.is("DequantizeLinear")) return "a quantized model stays quantized";
  for (const Value* v : n.inputs())
    if (v && (!v->constant() || (v->extra() && v->extra()->sparse))) return "an input is not constant";
  if (n.inputs().empty()) return "there is no input";
  const bool weight_cast = (n.is("Cast") || n.is("CastLike")) && n.input(0)->constant()->size() > kSmall;
  if (weight_cast && bit_width(n.output()->type.dtype) > bit_width(n.input(0)->constant()->dtype())) return "stored weights are not widened";
  for (const Value* v : n.outputs())
    if (v && v->type.kind != Type::Kind::unknown && !v->type.is_tensor()) return "an output is not a tensor";
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

bool visit(const Node& n, Rewriter& rw) {
  if (const char* why = must_stay(n)) return no(rw, why);
  if (too_large(n, rw.context().growth.left_bytes)) return no(rw, "the result would grow the file beyond the budget");
  if (!rw.context().evaluator) return no(rw, "there is no evaluator");
  std::vector<Tensor> in;
  for (const Value* v : n.inputs()) in.push_back(v ? *v->constant() : Tensor());
  const OpCall call{&n.op(), &n.attrs(), n.outputs().size(), &n};
  auto result = rw.context().evaluator->evaluate(call, in);
  if (!result) return no(rw, result.reason.c_str());
  for (std::size_t i = 0; i < n.outputs().size(); ++i) {
    if (!n.output(i) || n.output(i)->unused()) continue;
    if (i >= result->size() || !(*result)[i]) return no(rw, "an output was not computed");
    rw.replace(n.output(i), rw.constant((*result)[i], n.output(i)->name()));
  }
  return true;
}

}  // namespace

NodeRule fold_constants() { return {"fold-constants", "Compute what depends on constants only", "*", Level::o1, visit}; }

}  // namespace onnxopt
