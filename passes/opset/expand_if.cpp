// If before opset 11, whose branches give one shape.
#include "ir/core/model.h"
#include "ir/ops/op_table.h"
#include "passes/opset/expand_families.h"

namespace onnxopt::expand_fn {
namespace {

Value* in_body(Graph& body, std::string_view op_name, std::vector<Value*> inputs, Type type, Attrs attrs = {}) {
  Value* out = body.append(onnxopt::op(op_name), std::move(inputs), std::move(attrs)).output();
  out->type = std::move(type);
  return out;
}

Value* body_input(Graph& body, const char* name, const Type& type) {
  Value& v = body.add_input(name, type);
  v.set_name(name);  // ours, made unique on save
  v.make_extra().declared = type;
  v.make_extra().has_declared = true;
  return &v;
}

// The branch as the body of a Loop that runs once or never: of each result its elements in a row, and its shape.
void make_body(Graph& body) {
  const Type counter = Type::tensor(DType::int64, Dims{}), condition = Type::tensor(DType::boolean, Dims{});
  body_input(body, "i", counter);
  Value* go = body_input(body, "go", condition);
  Value* state = body_input(body, "state", counter);  // the first versions of Loop must have some
  const std::vector<Value*> results(body.outputs().begin(), body.outputs().end());
  while (!body.outputs().empty()) body.remove_output(body.outputs().size() - 1);
  body.output_notes.clear();
  body.add_output(*in_body(body, "Identity", {go}, condition));
  body.add_output(*in_body(body, "Identity", {state}, counter));
  Value& row = body.add_constant("row", Tensor::int64s({-1}));
  for (Value* v : results) {
    const Shape* shape = Expansion::shape_of(v);
    body.add_output(*in_body(body, "Reshape", {v, &row}, Type::tensor(v->type.dtype, Shape{Dim()})));
    body.add_output(*in_body(body, "Shape", {v}, Type::tensor(DType::int64, Shape{shape ? Dim(static_cast<std::int64_t>(shape->size())) : Dim()})));
  }
}

std::string check_branch(const Expansion& e, const Graph& branch) {
  if (branch.outputs().size() != e.node().outputs().size() || !branch.inputs().empty()) return "no decomposition: this form of If";
  for (const Value* v : branch.outputs()) {
    if (!v->type.is_tensor() && v->type.kind != Type::Kind::unknown) return kOtherReason;
    if (v->type.dtype == DType::undefined) return "the types of a branch's outputs are not known";
  }
  return "";
}

// What one branch gives: for each result its elements and its shape, both empty if the branch did not run.
std::vector<Value*> run_branch(Expansion& e, const char* attr, Value* times) {
  Node& loop = e.make("Loop", {times, e.tensor(Tensor::scalar<bool>(true), "go"), e.index(0)}, {}, 1 + 2 * e.node().outputs().size());
  Graph& body = *e.move_subgraph(attr, loop, "body");
  make_body(body);
  loop.output(0)->type = Type::tensor(DType::int64, Dims{});
  std::vector<Value*> r;
  for (std::size_t i = 1; i < loop.outputs().size(); ++i) {
    const Type& t = body.outputs()[i + 1]->type;
    loop.output(i)->type = Type::tensor(t.dtype, Shape{Dim(), (*t.shape)[0]});
    r.push_back(e.reshape(loop.output(i), {-1}));
  }
  return r;
}

}  // namespace

// Two Loops, of which one runs. A row of elements and a row of sizes, each joined with that of the branch that did not run, are the result.
std::string branches(Expansion& e) {
  const auto* yes = e.node().attrs().get<std::shared_ptr<Graph>>("then_branch");
  const auto* no = e.node().attrs().get<std::shared_ptr<Graph>>("else_branch");
  if (e.opset() >= 11 || !yes || !no || !e.has(0)) return kOtherReason;
  for (const Graph* branch : {yes->get(), no->get()})
    if (auto why = check_branch(e, *branch); !why.empty()) return why;
  std::vector<std::optional<std::int64_t>> ranks;
  for (std::size_t i = 0; i < e.node().outputs().size(); ++i) {
    const Shape *a = Expansion::shape_of((*yes)->outputs()[i]), *b = Expansion::shape_of((*no)->outputs()[i]);  // not what files only declare
    ranks.push_back(a && b && a->size() == b->size() ? std::optional(static_cast<std::int64_t>(a->size())) : std::nullopt);
  }
  Value* condition = e.op("Cast", {e.reshape(e.in(0), {})}, {{"to", static_cast<std::int64_t>(DType::int64)}});
  const auto first = run_branch(e, "then_branch", condition), second = run_branch(e, "else_branch", e.sub(e.index(1), condition));
  for (std::size_t i = 0; i < e.node().outputs().size(); ++i) {
    if (!e.node().output(i)) continue;
    Value* shape = e.concat({first[2 * i + 1], second[2 * i + 1]}, 0);
    if (ranks[i]) shape->type = Type::tensor(DType::int64, Shape{Dim(*ranks[i])});
    Value* y = e.op("Reshape", {e.concat({first[2 * i], second[2 * i]}, 0), shape}, {{"allowzero", std::int64_t{1}}});
    if (e.node().output(i)->type.is_tensor()) y->type = e.node().output(i)->type;
    e.result(i, y);
  }
  return "";
}

}  // namespace onnxopt::expand_fn
