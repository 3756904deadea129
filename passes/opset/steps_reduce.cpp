// Reductions: axes became an input at 13 (ReduceSum) and 18 (the others).
#include <fmt/format.h>

#include "passes/opset/axes.h"
#include "passes/opset/step.h"

namespace onnxopt {
namespace {

std::string reduce_axes_up(Draft& d) { return axes_to_input(d, 1); }

std::string reduce_axes_down(Draft& d) {
  const bool noop = int_attr(d, "noop_with_empty_axes", 0) != 0;
  const auto axes = d.constant_ints(1);
  if (d.has(1) && !axes) return "non-constant operand: axes";
  if (noop && (!axes || axes->empty())) return "no decomposition: no axes with noop_with_empty_axes = 1";
  d.drop("noop_with_empty_axes");
  if (axes && axes->empty()) {  // an empty list means all axes, which the attribute says by its absence
    d.trim_inputs(1);
    return "";
  }
  return axes_to_attribute(d, 1);
}

std::string reduce_11_down(Draft& d) { return normalize_axes(d, d.rank(0)); }

// Opset 28 takes floating types only.
std::string reduce_log_28_up(Draft& d) {
  const DType t = d.dtype(0);
  return is_integer(t) ? fmt::format("type: {} of {} was dropped in opset 28", d.op->name, dtype_name(t)) : "";
}

constexpr Step kSteps[] = {
    {"ReduceSum", 11, 13, reduce_axes_up, reduce_axes_down},
    {"ReduceSum", 1, 11, remember_negative_axes, reduce_11_down},
    {"ReduceL1", 13, 18, reduce_axes_up, reduce_axes_down},
    {"ReduceL1", 1, 11, remember_negative_axes, reduce_11_down},
    {"ReduceL2", 13, 18, reduce_axes_up, reduce_axes_down},
    {"ReduceL2", 1, 11, remember_negative_axes, reduce_11_down},
    {"ReduceLogSum", 13, 18, reduce_axes_up, reduce_axes_down},
    {"ReduceLogSum", 1, 11, remember_negative_axes, reduce_11_down},
    {"ReduceLogSumExp", 13, 18, reduce_axes_up, reduce_axes_down},
    {"ReduceLogSumExp", 1, 11, remember_negative_axes, reduce_11_down},
    {"ReduceMax", 13, 18, reduce_axes_up, reduce_axes_down},
    {"ReduceMax", 1, 11, remember_negative_axes, reduce_11_down},
    {"ReduceMean", 13, 18, reduce_axes_up, reduce_axes_down},
    {"ReduceMean", 1, 11, remember_negative_axes, reduce_11_down},
    {"ReduceMin", 13, 18, reduce_axes_up, reduce_axes_down},
    {"ReduceMin", 1, 11, remember_negative_axes, reduce_11_down},
    {"ReduceProd", 13, 18, reduce_axes_up, reduce_axes_down},
    {"ReduceProd", 1, 11, remember_negative_axes, reduce_11_down},
    {"ReduceSumSquare", 13, 18, reduce_axes_up, reduce_axes_down},
    {"ReduceSumSquare", 1, 11, remember_negative_axes, reduce_11_down},
    {"ReduceLogSum", 18, 28, reduce_log_28_up},
    {"ReduceLogSumExp", 18, 28, reduce_log_28_up},
};

}  // namespace

std::span<const Step> steps_reduce() { return kSteps; }

}  // namespace onnxopt
