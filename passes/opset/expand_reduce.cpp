// Reductions whose axes are computed, or none, where older versions want a list.
#include <algorithm>

#include "passes/opset/expand_families.h"

namespace onnxopt::expand_fn {

std::string reduce(Expansion& e) {
  const std::string_view name = e.node().op().name;
  const bool noop = e.integer("noop_with_empty_axes", 0) != 0, keep = e.integer("keepdims", 1) != 0;
  const auto axes = e.has(1) ? e.constant_ints(1) : std::optional<Ints>(Ints{});
  if (!axes) return "non-constant operand: axes";
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
    e.result(0, e.cast(y, DType::boolean));
    return "";
  }
  if (is_integer(t) && (name == "ReduceLogSum" || name == "ReduceLogSumExp")) return "type: integers, which opset 28 dropped";
  return "no decomposition";
}

}  // namespace onnxopt::expand_fn
