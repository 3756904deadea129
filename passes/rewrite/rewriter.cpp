// What a rewrite records.
#include <fmt/format.h>

#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "passes/rewrite/transaction.h"

namespace onnxopt {

void Rewriter::give_up(std::string_view why) {
  if (failure_.empty()) failure_ = why;
}

void Rewriter::abandon(std::string why) { throw RewriteAbandoned{std::move(why)}; }

SymbolTable& Rewriter::symbols() const { return graph_->model().symbols(); }

std::vector<Value*> Rewriter::call(const OpSchema& op, std::vector<Value*> inputs, Attrs attrs, std::size_t outputs) {
  while (!inputs.empty() && !inputs.back()) inputs.pop_back();  // trailing absent inputs are not written
  Node& n = graph_->insert_before(*at_, op, std::move(inputs), std::move(attrs), outputs);
  made_.push_back(&n);
  try {
    infer(n);
  } catch (const Error& e) {
    abandon(fmt::format("the new {} contradicts itself: {}", op.name, e.what()));
  }
  return {n.outputs().begin(), n.outputs().end()};
}

std::vector<Value*> Rewriter::op_n(std::string_view type, std::vector<Value*> inputs, Attrs attrs, std::size_t outputs) {
  return call(onnxopt::op(type), std::move(inputs), std::move(attrs), outputs);
}

Value* Rewriter::op(std::string_view type, std::vector<Value*> inputs, Attrs attrs) {
  return call(onnxopt::op(type), std::move(inputs), std::move(attrs), 1).front();
}

Value* Rewriter::constant(Tensor t, std::string_view name_hint) {
  if (!t) abandon("a constant could not be computed");
  std::string name(name_hint);
  if (name.empty() && at_->output(0)) name = at_->output(0)->name() + "_const";
  Value& v = graph_->add_constant(name, std::move(t));
  constants_.push_back(&v);
  return &v;
}

void Rewriter::replace(Value* from, Value* to) {
  ONNXOPT_CHECK(from != nullptr && to != nullptr, "replacing nothing");
  replaced_.emplace_back(from, to);
}

void Rewriter::consume(const Node& n) { consumed_.push_back(&n); }

Tensor Rewriter::eval(std::string_view op, std::vector<Tensor> inputs, Attrs attrs) {
  if (!ctx_->evaluator) abandon("there is no evaluator");
  const OpCall call{.op = &onnxopt::op(op), .attrs = &attrs};
  auto result = ctx_->evaluator->evaluate(call, inputs);
  if (!result) abandon(fmt::format("{} cannot be computed: {}", op, result.reason));
  if (result->empty() || !result->front()) abandon(fmt::format("{} gave no tensor", op));
  return std::move(result->front());
}

}  // namespace onnxopt
