// Loop and NonZero where the older opset has only a part of them.
#include <algorithm>

#include "ir/core/element.h"
#include "ir/core/model.h"
#include "ir/ops/op_table.h"
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

constexpr std::int64_t kMostSorted = std::int64_t{1} << 24;  // up to here float32 tells all indices apart

Value& body_input(Graph& body, const char* name, const Type& type) {
  Value& v = body.add_input(name, type);
  v.set_name(v.name());  // ours, made unique on save
  v.make_extra().declared = type;
  v.make_extra().has_declared = true;
  return v;
}

Value& body_output(Graph& body, std::string_view op_name, std::vector<Value*> inputs, const Type& type, Attrs attrs = {}) {
  Value* out = body.append(onnxopt::op(op_name), std::move(inputs), std::move(attrs)).output();
  out->type = type;
  return *out;
}

}  // namespace

// Before opset 11 some state had to be carried: one that nobody reads.
std::string loop(Expansion& e) {
  const auto* held = e.node().attrs().get<std::shared_ptr<Graph>>("body");
  if (e.opset() >= 11 || e.node().inputs().size() > 2 || !held) return kOtherReason;
  if ((*held)->inputs().size() != 2 || (*held)->outputs().empty() || !(*held)->output_notes.empty()) return "no decomposition: a body of this form";
  const std::size_t scans = e.node().outputs().size();
  const Type type = Type::tensor(DType::int64, Dims{});
  Node& made = e.make("Loop", {e.in(0), e.in(1), e.index(0)}, {}, scans + 1);
  Graph& body = *e.move_subgraph("body", made);
  Value* moved = &body_output(body, "Identity", {&body_input(body, "state", type)}, type);
  const std::vector<Value*> outputs(body.outputs().begin(), body.outputs().end());
  body.add_output(*moved);  // behind the condition; the others move on by one
  for (std::size_t i = 1; i < outputs.size() + 1; ++i) {
    body.replace_output(i, *moved);
    if (i < outputs.size()) moved = outputs[i];
  }
  made.output(0)->type = type;
  for (std::size_t i = 0; i < scans; ++i) {
    if (!e.node().output(i)) continue;
    made.output(i + 1)->type = e.node().output(i)->type;
    e.result(i, made.output(i + 1));
  }
  return "";
}

namespace {

// Where a vector of zeros and ones has its ones, one after the other: the first is found, taken out, and so on.
Value* ones_by_loop(Expansion& e, Value* flags, Value* count) {
  Graph& outer = *e.node().graph();
  const Type counter = Type::tensor(DType::int64, Dims{}), condition = Type::tensor(DType::boolean, Dims{});
  const Type rest_type = Type::tensor(DType::float32, Shape{Dim()}), found_type = Type::tensor(DType::int64, Dims{1});
  Value* places = range(e, 0, Index(e.shape_value(flags)));
  auto body = std::make_shared<Graph>(outer.model());
  body->name = "next";
  body_input(*body, "i", counter);
  Value& go = body_input(*body, "go", condition);
  Value& rest = body_input(*body, "rest", rest_type);
  Node& loop = e.make("Loop", {count, e.tensor(Tensor::scalar<bool>(true), "go"), flags}, {}, 2);
  outer.adopt_subgraph(loop, "body", body);
  Value& found = body_output(*body, "ArgMax", {&rest}, found_type, {{"axis", std::int64_t{0}}});
  Value& here = body_output(*body, "Equal", {places, &found}, Type::tensor(DType::boolean, Shape{Dim()}));
  Value& taken = body_output(*body, "Cast", {&here}, rest_type, {{"to", static_cast<std::int64_t>(DType::float32)}});
  body->add_output(body_output(*body, "Identity", {&go}, condition));
  body->add_output(body_output(*body, "Sub", {&rest, &taken}, rest_type));
  body->add_output(found);
  loop.output(0)->type = rest_type;
  loop.output(1)->type = Type::tensor(DType::int64, Shape{Dim(), Dim(1)});
  return e.reshape(loop.output(1), {-1});
}

// The same, sorted: earlier places get larger numbers, places without a one get none.
Value* ones_by_sorting(Expansion& e, Value* flags, std::int64_t size, const Index& count) {
  std::vector<float> order;
  for (std::int64_t i = 0; i < size; ++i) order.push_back(static_cast<float>(size - i));
  Value* keys = e.mul(flags, e.tensor(Tensor::of<float>({size}, order), "order"));
  Value* sorted = e.make("TopK", {keys, e.ints({size}, "k")}, {{"axis", std::int64_t{0}}}, 2).output(1);
  return e.op("Gather", {sorted, range(e, 0, count)}, {{"axis", std::int64_t{0}}});
}

}  // namespace

std::string non_zero(Expansion& e) {
  const Shape* s = e.shape(0);
  if (!s || s->empty()) return "the rank of the input is not known";
  const DType t = e.dtype(0);
  if (carrier_of(t) == Carrier::none || carrier_of(t) == Carrier::complex || carrier_of(t) == Carrier::string) return "type: NonZero of this type";
  Value* flags = e.reshape(e.cast(e.cast(e.in(0), DType::boolean), DType::float32), {-1});
  Value* count = e.reduce("ReduceSum", e.cast(flags, DType::int64), {0});
  std::int64_t size = 1;
  for (const Dim& d : *s) size = d.is_value() && size >= 0 && d.value() <= kMostSorted ? std::min(size * d.value(), kMostSorted + 1) : -1;
  Value* at = size > 0 && size <= kMostSorted ? ones_by_sorting(e, flags, size, Index(count)) : ones_by_loop(e, flags, e.squeeze(count, {0}));
  std::vector<Value*> rows;  // of the last axis first
  for (std::size_t k = s->size(); k-- > 0;) {
    if (k == 0) {
      rows.push_back(e.unsqueeze(at, {0}));
      break;
    }
    Value* dim = vector_of(e, dim_of(e, e.in(0), static_cast<std::int64_t>(k)));
    Value* above = e.div(at, dim);
    rows.push_back(e.unsqueeze(e.sub(at, e.mul(above, dim)), {0}));
    at = above;
  }
  std::reverse(rows.begin(), rows.end());
  e.result(0, rows.size() == 1 ? rows[0] : e.concat(std::move(rows), 0));
  return "";
}

}  // namespace onnxopt::expand_fn
