// Operators that are loops over others: Scan before its opset or in the form of opset 8, LinearAttention.
#include <cmath>
#include <memory>

#include "ir/core/model.h"
#include "ir/ops/op_table.h"
#include "passes/opset/expand_body.h"
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

using Body = ExpansionBody;

Type scalar_type(DType t) { return Type::tensor(t, Dims{}); }

std::int64_t entry(const Ints* list, std::size_t i, std::int64_t otherwise = 0) { return list && i < list->size() ? (*list)[i] : otherwise; }

Type stacked(const Type& t, const Dim& count) {
  if (!t.is_tensor() || !t.shape) return t.is_tensor() ? Type::tensor(t.dtype) : Type();
  Shape s = *t.shape;
  s.insert(s.begin(), count);
  return Type::tensor(t.dtype, std::move(s));
}

// What Scan-8 does: everything has a batch dim in front, over which the newer Scan runs a second one.
std::string scan_of_batches(Expansion& e) {
  const auto* body = e.node().attrs().get<std::shared_ptr<Graph>>("body");
  const auto scanned = static_cast<std::size_t>(e.integer("num_scan_inputs", 0));
  const std::size_t given = e.node().inputs().size();
  if (!body || given <= scanned || scanned == 0) return "no decomposition: this form of Scan";
  const std::size_t states = given - 1 - scanned;
  const auto types = (*body)->inputs();
  if (types.size() != given - 1) return "no decomposition: this form of Scan";
  const Index longest = dim_of(e, e.in(1 + states), 1);
  Body inner(e, "sequence"), outer(e, "batch");
  std::vector<Value*> in, inner_in;
  for (std::size_t i = 0; i < given - 1; ++i) {
    const Type t = types[i]->type;
    in.push_back(outer.input(i < states ? "state" : "scanned", i < states ? t : stacked(t, Dim())));
    inner_in.push_back(inner.input(i < states ? "state" : "element", t));
  }
  const auto outs = inner.copy_of(**body, inner_in);
  for (std::size_t i = 0; i < outs.size(); ++i) inner.output(outs[i], (*body)->outputs()[i]->type);
  Value* length = nullptr;  // of the sequence at hand: the rest is not looked at, and zero in the results
  if (e.has(0)) {
    length = outer.op("Reshape", {outer.input("length", scalar_type(DType::int64)), e.ints({1})});
    for (std::size_t i = states; i < in.size(); ++i) in[i] = outer.op("Slice", {in[i], e.ints({0}, "starts"), length, e.ints({0}, "axes")});
  }
  Attrs attrs{{"num_scan_inputs", static_cast<std::int64_t>(scanned)}};
  if (const Ints* directions = e.integers("directions")) attrs.set("scan_input_directions", *directions);
  Node& line = outer.graph()->append(onnxopt::op("Scan"), in, std::move(attrs), outs.size());
  inner.give_to(line);
  for (std::size_t i = 0; i < outs.size(); ++i) {
    const Type t = (*body)->outputs()[i]->type;
    line.output(i)->type = i < states ? t : stacked(t, Dim());
    Value* y = line.output(i);
    if (length && i >= states) {
      const auto zero = float_scalar(t.dtype, 0);
      if (!zero) return "type: zeros of this type behind a shorter sequence";
      Value* more = outer.op("Sub", {vector_of(e, longest), length});
      Value* sizes = outer.op("Slice", {outer.op("Shape", {y}), e.ints({1}, "starts"), e.ints({INT64_MAX}, "ends"), e.ints({0}, "axes")});
      Value* rest = outer.op("Expand", {e.tensor(*zero), outer.op("Concat", {more, sizes}, {{"axis", std::int64_t{0}}})});
      y = outer.op("Concat", {y, rest}, {{"axis", std::int64_t{0}}});
    }
    outer.output(y, line.output(i)->type);
  }
  std::vector<Value*> all(e.node().inputs().begin() + 1, e.node().inputs().end());
  if (length) all.push_back(e.cast(e.in(0), DType::int64));
  const auto scans = static_cast<std::int64_t>(all.size());
  Node& whole = e.make("Scan", std::move(all), {{"num_scan_inputs", scans}}, outs.size());
  outer.give_to(whole);
  for (std::size_t i = 0; i < outs.size(); ++i) {
    whole.output(i)->type = stacked(line.output(i)->type, Dim());
    if (e.node().output(i)) e.result(i, whole.output(i));
  }
  return "";
}

struct Scanned {
  std::int64_t axis;
  bool reverse;
};

// Scan as a Loop that takes element i of each scanned input.
struct ScanLoop {
  std::vector<Scanned> in, out;
  std::size_t states = 0;
};

std::string read_scan(const Expansion& e, const Graph& body, ScanLoop& s) {
  const auto scanned = static_cast<std::size_t>(e.integer("num_scan_inputs", 0));
  const std::size_t given = e.node().inputs().size();
  if (scanned == 0 || scanned > given || body.inputs().size() != given || body.outputs().size() < given - scanned)
    return "no decomposition: this form of Scan";
  s.states = given - scanned;
  for (std::size_t i = 0; i < scanned; ++i) {
    std::int64_t axis = entry(e.integers("scan_input_axes"), i);
    if (axis < 0 && !e.rank(s.states + i)) return "the rank of the input is not known";
    axis += axis < 0 ? *e.rank(s.states + i) : 0;
    s.in.push_back({axis, entry(e.integers("scan_input_directions"), i) != 0});
  }
  for (std::size_t i = 0; i < body.outputs().size() - s.states; ++i) {
    const Shape* shape = Expansion::shape_of(body.outputs()[s.states + i]);
    std::int64_t axis = entry(e.integers("scan_output_axes"), i);
    if (axis != 0 && !shape) return "the rank of the output is not known";
    axis += axis < 0 ? static_cast<std::int64_t>(shape->size()) + 1 : 0;
    s.out.push_back({axis, entry(e.integers("scan_output_directions"), i) != 0});
  }
  return "";
}

std::string scan_as_loop(Expansion& e) {
  const auto* body = e.node().attrs().get<std::shared_ptr<Graph>>("body");
  if (!body) return "no decomposition: this form of Scan";
  const Graph& from = **body;
  ScanLoop s;
  if (auto why = read_scan(e, from, s); !why.empty()) return why;
  const Index length = dim_of(e, e.in(s.states), s.in[0].axis);
  Value* count = scalar_of(e, length);
  Value* last = e.sub(count, e.index(1));
  Body loop(e, "scan");
  std::vector<Value*> in;
  Value* i = loop.input("i", scalar_type(DType::int64));
  Value* go = loop.input("go", scalar_type(DType::boolean));
  for (std::size_t k = 0; k < s.states; ++k) in.push_back(loop.input("state", from.inputs()[k]->type));
  const bool nothing = s.states == 0;  // the first versions of Loop must carry something
  Value* counter = nothing ? loop.input("state", scalar_type(DType::int64)) : nullptr;
  for (std::size_t k = 0; k < s.in.size(); ++k) {
    Value* at = s.in[k].reverse ? loop.op("Sub", {last, i}) : i;
    in.push_back(loop.op("Gather", {e.in(s.states + k), at}, {{"axis", s.in[k].axis}}));
  }
  const auto outs = loop.copy_of(from, in);
  loop.output(go, go->type);
  for (std::size_t k = 0; k < outs.size(); ++k) {
    if (k == s.states && nothing) loop.output(counter, counter->type);
    loop.output(outs[k], from.outputs()[k]->type);
  }
  std::vector<Value*> given{count, e.tensor(Tensor::scalar<bool>(true), "go")};
  for (std::size_t k = 0; k < s.states; ++k) given.push_back(e.in(k));
  if (nothing) given.push_back(e.index(0));
  Node& n = e.make("Loop", std::move(given), {}, outs.size() + (nothing ? 1 : 0));
  loop.give_to(n);
  for (std::size_t k = 0; k < n.outputs().size(); ++k) {
    const Type& t = loop.graph()->outputs()[k + 1]->type;
    n.output(k)->type = k < s.states + (nothing ? 1 : 0) ? t : stacked(t, length.number ? Dim(*length.number) : Dim());
  }
  for (std::size_t k = 0; k < s.states; ++k)
    if (e.node().output(k)) e.result(k, n.output(k));
  for (std::size_t k = 0; k < s.out.size(); ++k) {
    if (!e.node().output(s.states + k)) continue;
    Value* y = n.output(s.states + k + (nothing ? 1 : 0));
    if (s.out[k].reverse) {
      Value* turned = e.sub(last, range(e, 0, length));
      y = e.op("Gather", {y, turned}, {{"axis", std::int64_t{0}}});
    }
    if (s.out[k].axis != 0) {
      const auto rank = static_cast<std::int64_t>(Expansion::shape_of(from.outputs()[s.states + k])->size()) + 1;
      Ints perm;
      for (std::int64_t d = 1; d < rank; ++d) perm.push_back(d);
      perm.insert(perm.begin() + s.out[k].axis, 0);
      y = e.transpose(y, perm);
    }
    e.result(s.states + k, y);
  }
  return "";
}

}  // namespace

std::string scan(Expansion& e) {
  if (e.node().kept) return e.since() == 8 ? scan_of_batches(e) : kOtherReason;
  return e.opset() < 9 ? scan_as_loop(e) : kOtherReason;
}

// Sums or products so far, element by element along an axis of any size.
std::string cumulative_scan(Expansion& e, std::int64_t axis) {
  const DType t = e.dtype(0);
  if (!float_scalar(t, 1)) return "type: the start of a sum or product of this type";
  const bool sums = e.node().is("CumSum"), reverse = e.integer("reverse", 0) != 0;
  std::vector<Index> dims = dims_of(e, e.in(0));
  dims.erase(dims.begin() + axis);
  Shape one = *e.shape(0);
  one.erase(one.begin() + axis);
  Value* start = e.tensor(*float_scalar(t, sums ? 0 : 1));
  if (!dims.empty()) start = e.op("Expand", {start, vector_of(e, dims)});
  Body body(e, "cumulate");
  const Type type = Type::tensor(t, one);
  Value *state = body.input("state", type), *x = body.input("element", type);
  Value* next = body.op(sums ? "Add" : "Mul", {state, x});
  body.output(next, type);
  body.output(e.integer("exclusive", 0) != 0 ? state : next, type);
  Attrs attrs{{"num_scan_inputs", std::int64_t{1}}, {"scan_input_axes", Ints{axis}}, {"scan_output_axes", Ints{axis}}};
  if (reverse) attrs.set("scan_input_directions", Ints{1}).set("scan_output_directions", Ints{1});
  Node& n = e.make("Scan", {start, e.in(0)}, std::move(attrs), 2);
  body.give_to(n);
  n.output(0)->type = type;
  n.output(1)->type = e.in(0)->type;
  e.result(0, n.output(1));
  return "";
}

namespace {

struct Heads {
  std::int64_t query, shared, group, size, v_size;
  DType way;
  bool gated, delta;
};

Index batch_of(Expansion& e) { return dim_of(e, e.in(0), 0); }

// [batch, steps, heads * width] to [batch, steps, heads, then...].
Value* apart(Expansion& e, Value* x, DType way, Ints then) {
  then.insert(then.begin(), {0, 0});
  return e.reshape(e.cast(x, way), then);
}

// One step: state, key as column and row, value, query, decay?, beta? to state and what the queries read.
void attention_step(Expansion& e, Body& b, const Heads& h) {
  const Shape* q = e.shape(0);
  const auto type = [&](std::int64_t rows, std::int64_t columns) {
    return Type::tensor(h.way, Shape{(*q)[0], Dim(h.shared), rows < 0 ? Dim() : Dim(rows), Dim(columns)});
  };
  Value* state = b.input("state", type(h.size, h.v_size));
  Value* column = b.input("key", type(h.size, 1));
  Value* row = b.input("key_row", type(1, h.size));
  Value* value = b.input("value", type(1, h.v_size));
  Value* query = b.input("query", type(h.group, h.size));
  if (h.gated) state = b.op("Mul", {state, b.input("keep", type(-1, 1))});
  if (h.delta) {
    Value* beta = b.input("beta", Type::tensor(h.way, Shape{(*q)[0], Dim(), Dim(1), Dim(1)}));
    value = b.op("Mul", {b.op("Sub", {value, b.op("MatMul", {row, state})}), beta});
  }
  state = b.op("Add", {state, b.op("Mul", {column, value})});
  b.output(state, type(h.size, h.v_size));
  b.output(b.op("MatMul", {query, state}), type(h.group, h.v_size));
}

}  // namespace

// The state walks through the steps.
std::string linear_attention(Expansion& e) {
  const Shape *q = e.shape(0), *v = e.shape(2);
  const DType t = e.dtype(0);
  if (!q || !v || q->size() != 3 || v->size() != 3 || !q->back().is_value() || !v->back().is_value()) return "the shape of the input is not known";
  if (t != DType::float32 && t != DType::float64 && t != DType::float16 && t != DType::bfloat16) return "type: LinearAttention of this type";
  const std::string rule = e.text("update_rule", "gated_delta");
  Heads h{e.integer("q_num_heads"),  e.integer("kv_num_heads"), 0, 0, 0, t == DType::float64 ? t : DType::float32,
          rule.starts_with("gated"), rule.ends_with("delta")};
  if (h.query < 1 || h.shared < 1 || h.query % h.shared != 0 || h.gated != e.has(4) || h.delta != e.has(5))
    return "no decomposition: this form of LinearAttention";
  h.group = h.query / h.shared;
  h.size = q->back().value() / h.query;
  h.v_size = v->back().value() / h.shared;
  std::int64_t decay = 1;
  if (h.gated) {
    const Shape* d = e.shape(4);
    if (!d || d->size() != 3 || !d->back().is_value()) return "the shape of decay is not known";
    decay = d->back().value() / h.shared;
  }
  const double stated = e.real("scale", 0), scale = stated == 0 ? 1 / std::sqrt(static_cast<double>(h.size)) : stated;
  const DType kept_as = e.has(3) && e.dtype(3) != DType::undefined ? e.dtype(3) : t;
  Value* state = e.has(3) ? e.cast(e.in(3), h.way)
                          : e.op("Expand", {e.scalar(h.way, 0), vector_of(e, {batch_of(e), Index(h.shared), Index(h.size), Index(h.v_size)})});
  std::vector<Value*> in{state, apart(e, e.in(1), h.way, {h.shared, h.size, 1}), apart(e, e.in(1), h.way, {h.shared, 1, h.size}),
                         apart(e, e.in(2), h.way, {h.shared, 1, h.v_size}), apart(e, e.in(0), h.way, {h.shared, h.group, h.size})};
  if (h.gated) in.push_back(e.op("Exp", {apart(e, e.in(4), h.way, {h.shared, decay, 1})}));
  if (h.delta) in.push_back(apart(e, e.in(5), h.way, {-1, 1, 1}));
  Body body(e, "step");
  attention_step(e, body, h);
  const std::size_t scanned = in.size() - 1;
  Node& n =
      e.make("Scan", std::move(in),
             {{"num_scan_inputs", static_cast<std::int64_t>(scanned)}, {"scan_input_axes", Ints(scanned, 1)}, {"scan_output_axes", Ints{1}}}, 2);
  body.give_to(n);
  n.output(0)->type = state->type;
  n.output(1)->type = Type::tensor(h.way, Shape{(*q)[0], (*q)[1], Dim(h.shared), Dim(h.group), Dim(h.v_size)});
  Value* y = e.mul(n.output(1), e.scalar(h.way, scale));
  e.result(0, e.cast(e.reshape(y, {0, 0, h.query * h.v_size}), t));
  if (e.used(1)) e.result(1, e.cast(n.output(0), kept_as));
  return "";
}

}  // namespace onnxopt::expand_fn
