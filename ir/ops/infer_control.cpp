// If, Loop, Scan, SequenceMap: types go into the bodies and come out of them.
#include <fmt/format.h>

#include <algorithm>

#include "ir/ops/infer_driver.h"
#include "ir/ops/infer_families.h"
#include "ir/ops/infer_state.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

constexpr int kMaxRounds = 5;  // of a loop body until its carried types stand still: dims widen, then ranks, then all is unknown

Graph* subgraph(const InferCtx& ctx, std::string_view name) {
  const auto* g = ctx.node().attrs().get<std::shared_ptr<Graph>>(name);
  return g ? g->get() : nullptr;
}

// Gives a body's input its type; true if that is a change. Unknown dims become symbols of that input.
bool assign(InferCtx& ctx, Value& v, Type t) {
  if (t.is_tensor() && t.shape)
    for (std::size_t i = 0; i < t.shape->size(); ++i)
      if ((*t.shape)[i].is_unknown()) (*t.shape)[i] = ctx.symbols().stable(v.id(), static_cast<std::uint32_t>(i));
  v.known.reset();
  if (v.type == t) return false;
  v.type = std::move(t);
  return true;
}

// A scalar, unless the body declares the form [1], which runtimes accept.
Type scalar_input(const Value& v, DType t) {
  const bool one = v.extra() && v.extra()->has_declared && v.extra()->declared.has_rank() && v.extra()->declared.rank() == 1;
  return Type::tensor(t, one ? Shape{Dim(1)} : Shape{});
}

void collect_dims(const Type& t, std::vector<Dim>& dims) {
  if (t.shape) dims.insert(dims.end(), t.shape->begin(), t.shape->end());
  if (t.elem) collect_dims(*t.elem, dims);
}

// Is a body's condition output true whenever its condition input (position 1) is: the constant true, or the input passed through.
bool keeps_going(const Graph& body) {
  const Value* v = body.outputs()[0];
  while (v->producer() && v->producer()->is("Identity")) v = v->producer()->input(0);
  if (body.inputs().size() > 1 && v == body.inputs()[1]) return true;
  if (v->known && v->known->size() == 1) return (*v->known)[0].is(1);
  const Tensor* t = v->constant();
  return t && t->dtype() == DType::boolean && t->size() == 1 && t->bytes()[0] != std::byte{0};
}

std::optional<bool> known_condition(const InferCtx& ctx, std::size_t i) {
  const std::optional<Ints> c = ctx.known_ints(i);
  if (!c || c->size() != 1) return std::nullopt;
  return (*c)[0] != 0;
}

// What holds for a carried value in every round. A value may take the place of an optional of its kind: it is one that is there.
Type carried_type(const Type& before, const Type& after) {
  if (before.kind != Type::Kind::optional || !before.elem || before.elem->kind != after.kind) return common_type(before, after);
  Type r = before;
  r.elem = std::make_shared<const Type>(common_type(*before.elem, after));
  return r;
}

// Carried values: from the initial types to types that hold in every round.
bool infer_carried(InferCtx& ctx, Graph& body, std::vector<Type> initial, std::size_t first_input, std::size_t first_output) {
  const std::size_t count = initial.size();
  for (std::size_t i = 0; i < count; ++i) assign(ctx, *body.inputs()[first_input + i], initial[i]);
  for (int round = 0; round < kMaxRounds; ++round) {
    if (!ctx.driver()->body(body)) return false;
    bool changed = false;
    for (std::size_t i = 0; i < count; ++i) {
      Value& in = *body.inputs()[first_input + i];
      Type merged = carried_type(in.type, body.outputs()[first_output + i]->type);
      if (round + 2 >= kMaxRounds && merged.is_tensor()) merged.shape.reset();
      changed = assign(ctx, in, std::move(merged)) || changed;
    }
    if (!changed) return true;
  }
  return false;
}

// Shapes of a loop's scan outputs in its first round: the carried values are the initial ones, the round's number is 0.
std::vector<OptShape> first_round(InferCtx& ctx, Graph& body, const std::vector<Type>& initial, const std::vector<Dim>& keep) {
  const KeptTypes kept(*ctx.driver(), body);
  body.inputs()[0]->known = std::make_unique<std::vector<Dim>>(1, Dim(0));
  body.inputs()[1]->known = std::make_unique<std::vector<Dim>>(1, Dim(1));
  for (std::size_t i = 0; i < initial.size(); ++i) assign(ctx, *body.inputs()[i + 2], initial[i]);
  std::vector<OptShape> shapes;
  if (!ctx.driver()->body(body)) return shapes;
  for (std::size_t i = initial.size() + 1; i < body.outputs().size(); ++i) {
    const Type t = InferDriver::outside(ctx.symbols(), body.outputs()[i]->type, keep);
    shapes.push_back(t.is_tensor() ? t.shape : std::nullopt);
  }
  return shapes;
}

bool has_open_dim(const Type& t) {
  return t.is_tensor() && t.shape && std::any_of(t.shape->begin(), t.shape->end(), [](const Dim& d) { return !d.is_value(); });
}

// All rounds give scan outputs of one shape, so what is known of the first round is true of all. If there may be no round, its result has the shape
// that the body declares: then both must say the same.
void refine_scan_output(Type& t, const Value& output, const OptShape& first, bool runs) {
  if (!has_open_dim(t) || !first || first->size() != t.shape->size()) return;
  const Type* declared = output.extra() && output.extra()->has_declared ? &output.extra()->declared : nullptr;
  for (std::size_t i = 0; i < first->size(); ++i) {
    const Dim& d = (*first)[i];
    const bool also_declared = declared && declared->has_rank() && declared->shape->size() == first->size() && (*declared->shape)[i] == d;
    if (d.is_value() && !(*t.shape)[i].is_value() && (runs || also_declared)) (*t.shape)[i] = d;
  }
}

std::vector<Dim> outer_dims(const std::vector<Type>& types) {
  std::vector<Dim> dims;
  for (const Type& t : types) collect_dims(t, dims);
  return dims;
}

}  // namespace

void if_(InferCtx& ctx) {
  Graph *then_branch = subgraph(ctx, "then_branch"), *else_branch = subgraph(ctx, "else_branch");
  if (!then_branch || !else_branch || !ctx.driver()) return;
  InferDriver& driver = *ctx.driver();
  const std::optional<bool> condition = known_condition(ctx, 0);
  const bool complete = driver.body(*then_branch, condition == false) && driver.body(*else_branch, condition == true);
  if (!complete || then_branch->outputs().size() != else_branch->outputs().size()) return;
  for (std::size_t i = 0; i < ctx.num_outputs() && i < then_branch->outputs().size(); ++i) {
    const Value *a = then_branch->outputs()[i], *b = else_branch->outputs()[i];
    if (condition) a = b = *condition ? a : b;
    if (driver.is_impossible(*a)) a = b;  // a branch that cannot come to its end gives nothing
    if (driver.is_impossible(*b)) b = a;
    ctx.set(i, common_type(a->type, b->type));
    if (a->known && b->known && *a->known == *b->known) ctx.set_known(i, *a->known);
    if (Value* out = ctx.node().output(i); out && driver.is_impossible(*a)) driver.set_impossible(*out, true);
  }
}

// Outputs: final carried values, then one scan output for each further output of the body, with the trip count in front.
void loop(InferCtx& ctx) {
  Graph* body = subgraph(ctx, "body");
  if (!body || !ctx.driver() || ctx.num_inputs() < 2) return;
  const std::size_t carried = ctx.num_inputs() - 2;
  if (body->inputs().size() != carried + 2 || body->outputs().size() < carried + 1)
    ctx.fail(fmt::format("the body has {} inputs and {} outputs for {} carried values", body->inputs().size(), body->outputs().size(), carried));
  assign(ctx, *body->inputs()[0], scalar_input(*body->inputs()[0], DType::int64));
  assign(ctx, *body->inputs()[1], scalar_input(*body->inputs()[1], DType::boolean));
  std::vector<Type> initial;
  for (std::size_t i = 0; i < carried; ++i) initial.push_back(ctx.input(i + 2));
  const std::vector<Dim> keep = outer_dims(initial);
  if (!infer_carried(ctx, *body, initial, 2, 1)) return;
  Dim trips;
  const std::optional<std::vector<Dim>> limit = ctx.known(0);
  const bool starts = !ctx.has_input(1) || known_condition(ctx, 1) == true;
  if (limit && limit->size() == 1 && starts && keeps_going(*body)) trips = ctx.symbols().max(Dim(0), (*limit)[0]);
  const bool limited = ctx.has_input(0), one_round = limit && limit->size() == 1 && (*limit)[0].is_value() && (*limit)[0].value() > 0;
  const bool runs = starts && (!limited || one_round);  // at least once: the carried values are then those that a round gave
  std::vector<OptShape> first;
  for (std::size_t i = carried; first.empty() && i + 1 < body->outputs().size(); ++i)
    if (has_open_dim(InferDriver::outside(ctx.symbols(), body->outputs()[i + 1]->type, keep))) first = first_round(ctx, *body, initial, keep);
  for (std::size_t i = 0; i < ctx.num_outputs() && i + 1 < body->outputs().size(); ++i) {
    if (i < carried) {
      const Type& given = body->outputs()[i + 1]->type;
      ctx.set(i, InferDriver::outside(ctx.symbols(), runs ? given : common_type(body->inputs()[i + 2]->type, given), keep));
      continue;
    }
    Type t = InferDriver::outside(ctx.symbols(), body->outputs()[i + 1]->type, keep);
    if (i - carried < first.size()) refine_scan_output(t, *body->outputs()[i + 1], first[i - carried], runs);
    if (t.is_tensor() && t.shape) t.shape->insert(t.shape->begin(), trips);
    ctx.set(i, std::move(t));
  }
}

namespace {

// Axis of scan input or output `i` from an attribute list; 0 if there is none.
std::int64_t scan_axis(const InferCtx& ctx, std::string_view attribute, std::size_t i, std::int64_t rank) {
  const Ints* axes = ctx.attr_ptr<Ints>(attribute);
  return normalize_axis(ctx, axes && i < axes->size() ? (*axes)[i] : 0, rank);
}

// `offset`: inputs before the states; `batch`: a leading batch axis outside, which the body does not see (opset 8).
void scan_with(InferCtx& ctx, std::size_t offset, bool batch) {
  Graph* body = subgraph(ctx, "body");
  if (!body || !ctx.driver() || ctx.num_inputs() < offset) return;
  const std::int64_t scans = ctx.attr<std::int64_t>("num_scan_inputs");
  const std::size_t all = ctx.num_inputs() - offset;
  if (scans < 1 || static_cast<std::size_t>(scans) > all || body->inputs().size() != all) ctx.fail("num_scan_inputs does not fit the inputs");
  const std::size_t states = all - static_cast<std::size_t>(scans);
  if (body->outputs().size() < states) ctx.fail("the body has fewer outputs than there are state variables");
  Dim length, batch_size;
  std::vector<Type> initial;
  std::vector<Type> outer;
  for (std::size_t i = 0; i < all; ++i) {
    Type t = ctx.input(offset + i);
    outer.push_back(t);
    if (t.is_tensor() && t.shape && batch && !t.shape->empty()) {
      batch_size = equal_dim(ctx, batch_size, t.shape->front());
      t.shape->erase(t.shape->begin());
    }
    if (i < states) {
      initial.push_back(std::move(t));
      continue;
    }
    if (t.is_tensor() && t.shape && !t.shape->empty()) {
      const std::int64_t axis = batch ? 0 : scan_axis(ctx, "scan_input_axes", i - states, t.rank());
      length = equal_dim(ctx, length, (*t.shape)[static_cast<std::size_t>(axis)]);
      t.shape->erase(t.shape->begin() + axis);
    }
    assign(ctx, *body->inputs()[i], std::move(t));
  }
  const std::vector<Dim> keep = outer_dims(outer);
  if (!infer_carried(ctx, *body, initial, 0, 0)) return;
  for (std::size_t i = 0; i < ctx.num_outputs() && i < body->outputs().size(); ++i) {
    Type t = InferDriver::outside(ctx.symbols(), i < states ? body->inputs()[i]->type : body->outputs()[i]->type, keep);
    if (t.is_tensor() && t.shape) {
      if (i >= states) {
        const std::int64_t axis = batch ? 0 : scan_axis(ctx, "scan_output_axes", i - states, t.rank() + 1);
        t.shape->insert(t.shape->begin() + axis, length);
      }
      if (batch) t.shape->insert(t.shape->begin(), batch_size);
    }
    ctx.set(i, std::move(t));
  }
}

}  // namespace

void scan8(InferCtx& ctx) { scan_with(ctx, 1, true); }
void scan(InferCtx& ctx) { scan_with(ctx, 0, false); }

void sequence_map(InferCtx& ctx) {
  Graph* body = subgraph(ctx, "body");
  if (!body || !ctx.driver() || body->inputs().size() != ctx.num_inputs()) return;
  std::vector<Type> outer;
  for (std::size_t i = 0; i < ctx.num_inputs(); ++i) {
    const Type& t = ctx.input(i);
    outer.push_back(t);
    assign(ctx, *body->inputs()[i], t.kind == Type::Kind::sequence && t.elem ? *t.elem : t);
  }
  if (!ctx.driver()->body(*body)) return;
  const std::vector<Dim> keep = outer_dims(outer);
  for (std::size_t i = 0; i < ctx.num_outputs() && i < body->outputs().size(); ++i)
    ctx.set(i, Type::sequence(InferDriver::outside(ctx.symbols(), body->outputs()[i]->type, keep)));
}

}  // namespace onnxopt::infer_fn
