// Opset 11 allowed negative axes, opset 13 changed what the axis of Softmax means.
#include <fmt/format.h>

#include <algorithm>

#include "passes/opset/axes.h"
#include "passes/opset/step.h"

namespace onnxopt {
namespace {

// Files carry negative axes where they were not allowed yet; lowering would correct them, so the form is remembered.
std::string axis_11_up(Draft& d) {
  if (int_attr(d, "axis", 0) < 0) d.touch();
  return "";
}
std::string axis_11_down(Draft& d) { return normalize_axis(d, "axis", 0, d.rank(0)); }
std::string one_hot_11_down(Draft& d) {
  const auto rank = d.rank(0);
  const std::int64_t axis = int_attr(d, "axis", -1);
  if (axis >= -1) return "";  // OneHot-9 allowed -1 only
  return normalize_axis(d, "axis", -1, rank ? std::optional(*rank + 1) : std::nullopt);
}

// Gather-1 reads no negative indices by its text; runtimes take them all the same. Constants are made positive where the size is known.
std::string gather_11_up(Draft& d) {
  if (d.constant(1) || int_attr(d, "axis", 0) < 0) d.touch();
  return "";
}
std::string gather_11_down(Draft& d) {
  if (auto why = normalize_axis(d, "axis", 0, d.rank(0)); !why.empty()) return why;
  const Tensor* t = d.constant(1);
  const auto shape = d.shape(0);
  const auto axis = static_cast<std::size_t>(int_attr(d, "axis", 0));
  if (!t || !shape || axis >= shape->size() || !(*shape)[axis].is_value() || t->dtype() != DType::int64) return "";
  const auto old = t->data<std::int64_t>();
  if (std::all_of(old.begin(), old.end(), [](std::int64_t x) { return x >= 0; })) return "";
  Ints indices(old.begin(), old.end());
  for (std::int64_t& x : indices) x += x < 0 ? (*shape)[axis].value() : 0;
  d.set_input(1, Tensor::of<std::int64_t>(t->dims(), indices));
  return "";
}

bool ones_behind(const Shape& s, std::size_t axis) {
  return std::all_of(s.begin() + static_cast<std::ptrdiff_t>(axis) + 1, s.end(), [](const Dim& x) { return x.is(1); });
}

// Softmax-11 flattens to 2-D at `axis` and works on the rows; Softmax-13 works along one axis. They are the same where all later dims are 1.
std::string softmax_13_up(Draft& d) {
  const std::int64_t stated = int_attr(d, "axis", 1);
  const auto s = d.shape(0);
  if (stated == -1) {  // the last axis, whatever the rank
    if (!s) return "";
    d.touch();
    return "";
  }
  if (!s) return "the rank of the input is not known";
  const std::int64_t rank = static_cast<std::int64_t>(s->size());
  const std::int64_t axis = stated < 0 ? stated + rank : stated;
  if (axis < 0 || axis >= rank) return fmt::format("axis {} of a rank-{} input joins no dims", stated, rank);
  if (!ones_behind(*s, static_cast<std::size_t>(axis))) return fmt::format("axis {} of a rank-{} input joins several dims", stated, rank);
  if (!d.attrs.has("axis")) d.set("axis", std::int64_t{1});
  d.touch();
  return "";
}

std::string softmax_13_down(Draft& d) {
  const std::int64_t axis = int_attr(d, "axis", -1);
  const auto s = d.shape(0);
  if (axis == -1) {
    d.set("axis", std::int64_t{-1});
    return "";
  }
  if (!s) return "the rank of the input is not known";
  const std::int64_t rank = static_cast<std::int64_t>(s->size());
  const std::int64_t at = axis < 0 ? axis + rank : axis;
  if (at < 0 || at >= rank || !ones_behind(*s, static_cast<std::size_t>(at)))
    return fmt::format("no decomposition: axis {} is not the last one", axis);
  d.set("axis", axis);
  return "";
}

std::string softmax_11_down(Draft& d) { return normalize_axis(d, "axis", 1, d.rank(0)); }

constexpr Step kSteps[] = {
    {"ArgMax", 1, 11, axis_11_up, axis_11_down},         {"ArgMin", 1, 11, axis_11_up, axis_11_down},
    {"Concat", 4, 11, axis_11_up, axis_11_down},         {"Flatten", 9, 11, axis_11_up, axis_11_down},
    {"Gather", 1, 11, gather_11_up, gather_11_down},     {"OneHot", 9, 11, axis_11_up, one_hot_11_down},
    {"Split", 2, 11, axis_11_up, axis_11_down},          {"Compress", 9, 11, axis_11_up, axis_11_down},
    {"Softmax", 11, 13, softmax_13_up, softmax_13_down}, {"LogSoftmax", 11, 13, softmax_13_up, softmax_13_down},
    {"Hardmax", 11, 13, softmax_13_up, softmax_13_down}, {"Softmax", 1, 11, axis_11_up, softmax_11_down},
    {"LogSoftmax", 1, 11, axis_11_up, softmax_11_down},  {"Hardmax", 1, 11, axis_11_up, softmax_11_down},
};

}  // namespace

std::span<const Step> steps_axis() { return kSteps; }

}  // namespace onnxopt
