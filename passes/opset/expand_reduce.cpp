// Reductions whose axes are computed, or none, where older versions want a list.
#include <algorithm>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

// For each axis: is it among the axes of input 1? If there may be none: are there none, which means all? bool [rank].
Value* chosen_axes(Expansion& e, std::int64_t rank, bool none_is_all) {
  Value* at = e.cast(e.in(1), DType::int64);
  Value* below = e.cast(e.op("Less", {at, e.index(0)}), DType::int64);
  at = e.unsqueeze(e.add(at, e.mul(below, e.index(rank))), {0});
  Value* hits = e.op("Equal", {e.unsqueeze(range(e, 0, rank), {1}), at});
  Value* count = e.reduce("ReduceSum", e.cast(hits, DType::float32), {1}, false);
  Value* chosen = e.op("Greater", {count, e.scalar(DType::float32, 0)});
  return none_is_all ? e.op("Or", {chosen, e.op("Not", {e.cast(e.shape_value(e.in(1)), DType::boolean)})}) : chosen;
}

// Axes that are computed. Before opset 18, for sums 13, they were attributes: along each axis the reduced value is put in front of the elements, and
// either it is taken or they are.
std::string reduce_computed_axes(Expansion& e, std::string_view name) {
  const DType t = e.dtype(0);
  const auto rank = e.rank(0);
  const bool keep = e.integer("keepdims", 1) != 0;
  const Shape* axes = e.shape(1);
  if (!rank || *rank == 0) return "the rank of the input is not known";
  const std::int64_t count = axes && axes->size() == 1 && axes->front().is_value() ? axes->front().value() : -1;  // -1: not known
  const bool noop = e.integer("noop_with_empty_axes", 0) != 0, none_is_all = count < 0 && !noop;
  const auto again = [&](std::string_view op, Value* x) {
    Attrs attrs{{"keepdims", std::int64_t{keep}}};
    if (noop) attrs.set("noop_with_empty_axes", std::int64_t{1});
    return e.op(op, {x, e.in(1)}, std::move(attrs));
  };
  if (name == "ReduceL1") e.result(0, again("ReduceSum", e.op("Abs", {e.in(0)})));
  else if (name == "ReduceSumSquare") e.result(0, again("ReduceSum", e.mul(e.in(0), e.in(0))));
  else if (name == "ReduceL2" && is_float(t)) e.result(0, e.op("Sqrt", {again("ReduceSum", e.mul(e.in(0), e.in(0)))}));
  else if (name == "ReduceLogSum" && is_float(t)) e.result(0, e.op("Log", {again("ReduceSum", e.in(0))}));
  if (name == "ReduceL1" || name == "ReduceSumSquare" || ((name == "ReduceL2" || name == "ReduceLogSum") && is_float(t))) return "";
  if (!keep) {
    Attrs attrs{{"keepdims", std::int64_t{1}}};
    if (noop) attrs.set("noop_with_empty_axes", std::int64_t{1});
    Value* y = e.op(name, {e.in(0), e.in(1)}, std::move(attrs));
    if (e.opset() >= 13 && count >= 0) {
      e.result(0, e.op("Squeeze", {y, e.in(1)}));
      return "";
    }
    Value* others = e.op("Not", {chosen_axes(e, *rank, none_is_all)});
    Value* shape = e.op("Compress", {e.shape_value(y), others}, {{"axis", std::int64_t{0}}});
    if (count >= 0) shape->type = Type::tensor(DType::int64, Shape{Dim(*rank - count)});
    e.result(0, e.op("Reshape", {y, shape}));
    return "";
  }
  if (name != "ReduceSum" && name != "ReduceMean" && name != "ReduceMax" && name != "ReduceMin" && name != "ReduceProd" && name != "ReduceLogSumExp")
    return "type: this reduction of integers";
  if (name == "ReduceMean" && is_integer(t) && count != 1 && *rank > 1) return "type: a mean of integers along several axes";  // it truncates
  Value* others = e.cast(e.op("Not", {chosen_axes(e, *rank, none_is_all)}), DType::int64);
  Value* x = e.in(0);
  for (std::int64_t k = 0; k < *rank; ++k) {
    Value* from = e.slice(others, k, k + 1, 0);
    Value* to = e.add(e.ints({1}, "one"), e.mul(from, vector_of(e, dim_of(e, e.in(0), k))));
    x = e.op("Slice", {e.concat({e.reduce(name, x, {k}), x}, k), from, to, e.ints({k}, "axes")});
  }
  e.result(0, x);
  return "";
}

}  // namespace

std::string reduce(Expansion& e) {
  const std::string_view name = e.node().op().name;
  const bool noop = e.integer("noop_with_empty_axes", 0) != 0, keep = e.integer("keepdims", 1) != 0;
  const Shape* count = e.shape(1);
  const bool none = !e.has(1) || (count && count->size() == 1 && count->front().is(0));
  const auto axes = none ? std::optional<Ints>(Ints{}) : e.constant_ints(1);
  if (!axes) return reduce_computed_axes(e, name);
  if (none && e.has(1) && !noop) {  // an empty list that is not a constant
    e.result(0, e.op(name, {e.in(0)}, {{"keepdims", std::int64_t{keep}}}));
    return "";
  }
  if (noop && axes->empty()) {  // each element by itself
    const bool absolute = name == "ReduceL1" || name == "ReduceL2";
    if (absolute) e.result(0, e.op("Abs", {e.in(0)}));
    else if (name == "ReduceSumSquare") e.result(0, e.mul(e.in(0), e.in(0)));
    else if (name == "ReduceLogSum") e.result(0, e.op("Log", {e.in(0)}));
    else e.result(0, e.op("Identity", {e.in(0)}));
    return "";
  }
  const DType t = e.dtype(0);
  if (t == DType::boolean && (name == "ReduceMax" || name == "ReduceMin")) {
    Value* y = e.op(name, {e.cast(e.in(0), DType::int32), e.in(1)}, {{"keepdims", std::int64_t{keep}}});
    e.result(0, e.op("Greater", {y, e.scalar(DType::int32, 0)}));  // of no elements: the least number is false
    return "";
  }
  return kOtherReason;
}

}  // namespace onnxopt::expand_fn
