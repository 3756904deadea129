// Attributes that became inputs, and the way back: Squeeze, Unsqueeze, Reshape, Slice, Pad, Split, TopK, and what else moves data.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "passes/opset/axes.h"
#include "passes/opset/step.h"

namespace onnxopt {
namespace {

std::string squeeze_13_up(Draft& d) { return axes_to_input(d, 1); }
std::string squeeze_13_down(Draft& d) { return axes_to_attribute(d, 1); }
std::string unsqueeze_13_down(Draft& d) { return axes_to_attribute(d, 1); }
std::string squeeze_11_down(Draft& d) { return normalize_axes(d, d.rank(0)); }
std::string unsqueeze_11_down(Draft& d) {
  const auto* axes = d.attrs.get<Ints>("axes");
  const auto rank = d.rank(0);
  return normalize_axes(d, axes && rank ? std::optional(*rank + static_cast<std::int64_t>(axes->size())) : std::nullopt);
}

std::string reshape_5_up(Draft& d) {
  d.drop("consumed_inputs");
  const auto* shape = d.attrs.get<Ints>("shape");
  if (!shape) return "attribute 'shape' is missing";
  Tensor t = Tensor::int64s(*shape);
  d.drop("shape");
  d.set_input(1, std::move(t));
  return "";
}
std::string reshape_5_down(Draft& d) {
  const auto shape = d.constant_ints(1);
  if (!shape) return "non-constant operand: shape";
  d.trim_inputs(1);
  d.set("shape", *shape);
  return "";
}
std::string reshape_14_down(Draft& d) {
  if (int_attr(d, "allowzero", 0) == 0) return "";
  const auto shape = d.constant_ints(1);
  if (!shape || std::find(shape->begin(), shape->end(), 0) != shape->end()) return "allowzero = 1 with a shape that may hold a zero";
  d.drop("allowzero");
  return "";
}

std::string slice_10_up(Draft& d) {
  const auto *starts = d.attrs.get<Ints>("starts"), *ends = d.attrs.get<Ints>("ends"), *axes = d.attrs.get<Ints>("axes");
  if (!starts || !ends) return "attributes 'starts' or 'ends' are missing";
  std::vector<Tensor> made{Tensor::int64s(*starts), Tensor::int64s(*ends)};
  if (axes) made.push_back(Tensor::int64s(*axes));
  for (const char* name : {"starts", "ends", "axes"}) d.drop(name);
  for (std::size_t i = 0; i < made.size(); ++i) d.set_input(i + 1, std::move(made[i]));
  return "";
}
std::string slice_10_down(Draft& d) {
  const auto starts = d.constant_ints(1), ends = d.constant_ints(2);
  if (!starts || !ends) return "non-constant operand: starts or ends";
  if (d.has(4)) {
    const auto steps = d.constant_ints(4);
    if (!steps) return "non-constant operand: steps";
    if (std::any_of(steps->begin(), steps->end(), [](std::int64_t s) { return s != 1; })) return "no decomposition: steps other than 1";
  }
  if (d.has(3)) {
    auto axes = d.constant_ints(3);
    if (!axes) return "non-constant operand: axes";
    if (auto why = make_nonnegative(*axes, d, 0); !why.empty()) return why;
    d.set("axes", *axes);
  }
  d.trim_inputs(1);
  d.set("starts", *starts);
  d.set("ends", *ends);
  return "";
}

std::string pad_2_up(Draft& d) {
  const auto* p = d.attrs.get<Ints>("paddings");
  if (!p && d.attrs.get<Ints>("pads")) d.touch();  // files without an opset count as version 1, also those that have the attribute of version 2
  if (!p) return d.changed ? "" : "attribute 'paddings' is missing";
  const Ints pads = *p;
  d.drop("paddings");
  d.set("pads", pads);
  return "";
}
std::string pad_2_down(Draft& d) {
  const auto* p = d.attrs.get<Ints>("pads");
  if (!p) return "attribute 'pads' is missing";
  const Ints pads = *p;
  d.drop("pads");
  d.set("paddings", pads);
  return "";
}
std::string pad_11_up(Draft& d) {
  const auto* pads = d.attrs.get<Ints>("pads");
  if (!pads) return "attribute 'pads' is missing";
  Tensor made = Tensor::int64s(*pads);
  if (const auto* value = d.attrs.get<float>("value")) {
    const auto v = float_scalar(d.dtype(0), *value);
    if (!v) return "the type of the input is not known";
    d.set_input(2, *v);
    d.drop("value");
  }
  d.set_input(1, std::move(made));
  d.drop("pads");
  return "";
}
std::string pad_11_down(Draft& d) {
  const auto pads = d.constant_ints(1);
  if (!pads) return "non-constant operand: pads";
  if (d.has(2)) {
    const auto v = d.constant(2) ? scalar_value(*d.constant(2)) : std::nullopt;
    if (!v) return "non-constant operand: constant_value";
    if (static_cast<double>(static_cast<float>(*v)) != *v && *v == *v) return "type: the padding value is not a float";
    d.set("value", static_cast<float>(*v));
  }
  d.trim_inputs(1);
  d.set("pads", *pads);
  return "";
}
std::string pad_18_down(Draft& d) {
  if (!d.has(3)) return "";
  auto axes = d.constant_ints(3);
  const auto pads = d.constant_ints(1);
  const auto rank = d.rank(0);
  if (!axes || !pads) return "non-constant operand: pads or axes";
  if (!rank) return "the rank of the input is not known";
  if (auto why = make_nonnegative(*axes, d, 0); !why.empty()) return why;
  const std::size_t n = axes->size(), r = static_cast<std::size_t>(*rank);
  Ints all(2 * r, 0);
  for (std::size_t k = 0; k < n; ++k) {
    const auto a = static_cast<std::size_t>((*axes)[k]);
    all[a] = (*pads)[k];
    all[r + a] = (*pads)[n + k];
  }
  d.set_input(1, Tensor::int64s(all));
  d.trim_inputs(d.has(2) ? 3 : 2);
  return "";
}
std::string pad_19_down(Draft& d) { return string_attr(d, "mode", "constant") == "wrap" ? "no decomposition: mode 'wrap'" : ""; }
std::string pad_19_up(Draft& d) {
  if (!pad_19_down(d).empty()) d.touch();
  return "";
}

std::string split_2_up(Draft& d) {
  if (d.has(1)) {
    const auto split = d.constant_ints(1);
    if (!split) return "non-constant operand: split";
    d.set("split", *split);
  }
  d.trim_inputs(1);
  if (!d.attrs.has("axis")) d.set("axis", std::int64_t{0});
  return "";
}
std::string split_13_up(Draft& d) {
  if (const auto* split = d.attrs.get<Ints>("split")) {
    Tensor t = Tensor::int64s(*split);
    d.drop("split");
    d.set_input(1, std::move(t));
  }
  return "";
}
std::string split_13_down(Draft& d) {
  if (!d.has(1)) {
    d.trim_inputs(1);
    return "";
  }
  const auto split = d.constant_ints(1);
  if (!split) return "non-constant operand: split";
  d.trim_inputs(1);
  d.set("split", *split);
  return "";
}
std::string split_18_up(Draft& d) {
  if (!d.has(1)) d.set("num_outputs", static_cast<std::int64_t>(d.num_outputs));
  return "";
}
// Split-18 gives the last output what remains; before, the parts had to be equal.
std::string split_18_down(Draft& d) {
  if (d.has(1) || !d.attrs.has("num_outputs")) return "";
  const std::int64_t parts = int_attr(d, "num_outputs", 0);
  if (parts <= 0) return "the value of num_outputs is not known";
  if (const auto s = d.shape(0)) {
    const std::int64_t rank = static_cast<std::int64_t>(s->size());
    std::int64_t axis = int_attr(d, "axis", 0);
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank) return "axis out of range";
    const Dim& dim = (*s)[static_cast<std::size_t>(axis)];
    if (dim.is_value() && dim.value() % parts != 0) {
      const std::int64_t each = (dim.value() + parts - 1) / parts;
      Ints split(static_cast<std::size_t>(parts), each);
      split.back() = dim.value() - each * (parts - 1);
      if (split.back() < 0) return "no decomposition: uneven split into more parts than elements";
      d.set_input(1, Tensor::int64s(split));
    }
  }
  d.drop("num_outputs");
  return "";
}

std::string topk_10_up(Draft& d) {
  const auto* k = d.attrs.get<std::int64_t>("k");
  if (!k) return "attribute 'k' is missing";
  Tensor made = Tensor::int64s({*k});
  d.drop("k");
  d.set_input(1, std::move(made));
  return "";
}
std::string topk_10_down(Draft& d) {
  const auto k = d.constant_ints(1);
  if (!k || k->size() != 1) return "non-constant operand: K";
  d.trim_inputs(1);
  d.set("k", k->front());
  return "";
}
std::string topk_11_down(Draft& d) {
  if (int_attr(d, "largest", 1) != 1) return "no decomposition: largest = 0";
  d.drop("largest");
  d.drop("sorted");  // any order was asked for; sorted is one of them
  return "";
}

std::string scatter_16_down(Draft& d) {
  const std::string reduction = string_attr(d, "reduction", "none");
  return reduction == "none" ? "" : fmt::format("no decomposition: reduction '{}'", reduction);
}
std::string scatter_18_down(Draft& d) {
  const std::string reduction = string_attr(d, "reduction", "none");
  return reduction == "max" || reduction == "min" ? fmt::format("no decomposition: reduction '{}'", reduction) : "";
}
// Files have reductions before their time, and runtimes take them: the node goes back as it was.
std::string scatter_18_up(Draft& d) {
  if (!scatter_18_down(d).empty()) d.touch();
  return "";
}
std::string rename(Draft& d) {
  d.touch();
  return "";
}

constexpr Step kSteps[] = {
    {"Squeeze", 1, 11, remember_negative_axes, squeeze_11_down},
    {"Squeeze", 11, 13, squeeze_13_up, squeeze_13_down},
    {"Unsqueeze", 1, 11, remember_negative_axes, unsqueeze_11_down},
    {"Unsqueeze", 11, 13, squeeze_13_up, unsqueeze_13_down},
    {"Reshape", 1, 5, reshape_5_up, reshape_5_down},
    {"Reshape", 13, 14, nullptr, reshape_14_down},
    {"Slice", 1, 10, slice_10_up, slice_10_down},
    {"Pad", 1, 2, pad_2_up, pad_2_down},
    {"Pad", 2, 11, pad_11_up, pad_11_down},
    {"Pad", 13, 18, nullptr, pad_18_down},
    {"Pad", 18, 19, pad_19_up, pad_19_down},
    {"Split", 1, 2, split_2_up},
    {"Split", 11, 13, split_13_up, split_13_down},
    {"Split", 13, 18, split_18_up, split_18_down},
    {"TopK", 1, 10, topk_10_up, topk_10_down},
    {"TopK", 10, 11, nullptr, topk_11_down},
    {"Scatter", 9, 11, rename, nullptr, "ScatterElements"},
    {"Scatter", 11, 11, rename, nullptr, "ScatterElements", true},
    {"ScatterElements", 13, 16, nullptr, scatter_16_down},
    {"ScatterElements", 16, 18, scatter_18_up, scatter_18_down},
    {"ScatterND", 13, 16, nullptr, scatter_16_down},
    {"ScatterND", 16, 18, scatter_18_up, scatter_18_down},
};

}  // namespace

std::span<const Step> steps_shape() { return kSteps; }

}  // namespace onnxopt
