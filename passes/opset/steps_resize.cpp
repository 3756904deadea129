// Upsample (1, 7, 9) became Resize at 10; Resize 10 knew one way of mapping coordinates, 11 and later spell theirs out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "passes/opset/axes.h"
#include "passes/opset/step.h"

namespace onnxopt {
namespace {

std::optional<Floats> constant_floats(const Draft& d, std::size_t i) {
  const Tensor* t = d.constant(i);
  if (!t || t->dtype() != DType::float32 || t->rank() > 1) return std::nullopt;
  const auto v = t->data<float>();
  return Floats(v.begin(), v.end());
}
bool is_empty_constant(const Draft& d, std::size_t i) { return d.constant(i) && d.constant(i)->size() == 0; }
// Empty by its content or, computed at run time, by its shape.
bool is_empty(Draft& d, std::size_t i) {
  if (!d.has(i)) return false;
  if (d.constant(i)) return is_empty_constant(d, i);
  const auto s = d.shape(i);
  return s && s->size() == 1 && s->front().is(0);
}
Tensor float_vector(const Floats& v) { return Tensor::of<float>({static_cast<std::int64_t>(v.size())}, v); }

std::string upsample_7_up(Draft& d) {
  const auto *h = d.attrs.get<float>("height_scale"), *w = d.attrs.get<float>("width_scale");
  if (!h || !w) return "attributes 'height_scale' or 'width_scale' are missing";
  const Floats scales{1.0f, 1.0f, *h, *w};
  d.drop("height_scale");
  d.drop("width_scale");
  d.set("scales", scales);
  if (string_attr(d, "mode", "nearest") == "bilinear") d.set("mode", std::string("linear"));
  return "";
}
std::string upsample_7_down(Draft& d) {
  const auto* scales = d.attrs.get<Floats>("scales");
  if (!scales || scales->size() != 4 || (*scales)[0] != 1.0f || (*scales)[1] != 1.0f) return "no decomposition: scales are not those of a 4-D image";
  const float h = (*scales)[2], w = (*scales)[3];
  d.drop("scales");
  d.set("height_scale", h);
  d.set("width_scale", w);
  if (string_attr(d, "mode", "nearest") == "linear") d.set("mode", std::string("bilinear"));
  return "";
}
std::string upsample_9_up(Draft& d) {
  const auto* scales = d.attrs.get<Floats>("scales");
  if (!scales) return "attribute 'scales' is missing";
  Tensor made = float_vector(*scales);
  d.drop("scales");
  d.set_input(1, std::move(made));
  return "";
}
std::string upsample_9_down(Draft& d) {
  const auto scales = constant_floats(d, 1);
  if (!scales) return "non-constant operand: scales";
  d.trim_inputs(1);
  d.set("scales", *scales);
  return "";
}

std::string upsample_to_resize(Draft& d) {
  const std::string mode = string_attr(d, "mode", "nearest");
  if (mode != "nearest" && mode != "linear") return fmt::format("mode '{}' is not one of Resize", mode);
  d.touch();
  return "";
}
std::string resize_to_upsample(Draft& d) {
  const auto scales = constant_floats(d, 1);
  if (!scales) return "non-constant operand: scales";
  if (std::any_of(scales->begin(), scales->end(), [](float s) { return s < 1.0f; })) return "no decomposition: Upsample only enlarges";
  return "";
}

// Nearest of Upsample and of Resize-10: the coordinate x / scale is rounded down where the axis grows and up where it shrinks.
std::optional<std::string_view> nearest_mode_10(const Floats& scales) {
  const bool grows = std::any_of(scales.begin(), scales.end(), [](float s) { return s > 1.0f; });
  const bool shrinks = std::any_of(scales.begin(), scales.end(), [](float s) { return s < 1.0f; });
  if (grows && shrinks) return std::nullopt;
  return shrinks ? "ceil" : "floor";
}

std::string resize_11_up(Draft& d) {
  const std::string mode = string_attr(d, "mode", "nearest");
  if (mode == "nearest") {
    const bool grows_only = d.origin() && d.origin()->is("Upsample");
    const auto scales = constant_floats(d, 1);
    if (!scales && !grows_only) return "non-constant operand: the rounding of nearest depends on the scales";
    const auto rounding = scales ? nearest_mode_10(*scales) : std::optional<std::string_view>("floor");
    if (!rounding) return "nearest with scales both above and below 1";
    d.set("nearest_mode", std::string(*rounding));
  } else if (mode != "linear") {
    return fmt::format("mode '{}'", mode);
  }
  d.set("coordinate_transformation_mode", std::string("asymmetric"));
  Arg scales = d.inputs.size() > 1 ? d.inputs[1] : Arg();
  d.set_input(1, Tensor::zeros(DType::float32, {0}));
  d.set_input(2, std::move(scales));
  return "";
}

// Scales from sizes where Resize-10 computes those very sizes from them.
std::optional<Floats> scales_for_sizes(Draft& d, const Ints& sizes) {
  const auto shape = d.shape(0);
  if (!shape || shape->size() != sizes.size()) return std::nullopt;
  Floats scales;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (!(*shape)[i].is_value() || (*shape)[i].value() <= 0) {
      if (!(*shape)[i].is(sizes[i])) return std::nullopt;
      scales.push_back(1.0f);
      continue;
    }
    const auto in = static_cast<float>((*shape)[i].value());
    const float s = static_cast<float>(sizes[i]) / in;
    if (static_cast<std::int64_t>(std::floor(in * s)) != sizes[i]) return std::nullopt;
    scales.push_back(s);
  }
  return scales;
}

std::string resize_11_down(Draft& d) {
  if (d.has(3) && !is_empty_constant(d, 3)) {
    const auto sizes = d.constant_ints(3);
    const auto scales = sizes ? scales_for_sizes(d, *sizes) : std::nullopt;
    if (!scales) return "no decomposition: sizes instead of scales";
    d.set_input(2, float_vector(*scales));
  }
  const std::string mode = string_attr(d, "mode", "nearest");
  const std::string coordinates = string_attr(d, "coordinate_transformation_mode", "half_pixel");
  if (mode != "nearest" && mode != "linear") return fmt::format("no decomposition: mode '{}'", mode);
  if (coordinates != "asymmetric") return fmt::format("no decomposition: coordinate_transformation_mode '{}'", coordinates);
  if (int_attr(d, "exclude_outside", 0) != 0) return "no decomposition: exclude_outside";
  if (mode == "nearest") {
    const auto scales = constant_floats(d, 2);
    if (!scales) return "non-constant operand: the rounding of nearest depends on the scales";
    const auto rounding = nearest_mode_10(*scales);
    const std::string wanted = string_attr(d, "nearest_mode", "round_prefer_floor");
    const bool whole = std::all_of(scales->begin(), scales->end(), [](float s) { return s == 1.0f; });
    if (!rounding || (wanted != *rounding && !whole)) return fmt::format("no decomposition: nearest_mode '{}'", wanted);
  }
  for (const char* name : {"nearest_mode", "coordinate_transformation_mode", "extrapolation_value", "cubic_coeff_a", "exclude_outside"}) d.drop(name);
  d.set_input(1, Arg(d.inputs[2]));
  d.trim_inputs(2);
  return "";
}

// roi and scales had to be there until 13, if only as empty tensors.
std::string resize_13_up(Draft& d) {
  const std::string coordinates = string_attr(d, "coordinate_transformation_mode", "half_pixel");
  if (coordinates == "tf_half_pixel_for_nn") return "coordinate_transformation_mode 'tf_half_pixel_for_nn' was dropped in opset 13";
  if (coordinates != "tf_crop_and_resize" && is_empty(d, 1)) d.set_input(1, Arg());
  if (!d.has(3)) return "";
  if (is_empty(d, 3)) d.trim_inputs(3);
  else d.set_input(2, Arg());  // Resize-11 had it that scales are empty then
  return "";
}
std::string resize_13_down(Draft& d) {
  const Tensor none = Tensor::zeros(DType::float32, {0});
  if (!d.has(1)) d.set_input(1, none);
  if (!d.has(2)) d.set_input(2, none);
  return "";
}

// Axes: what is not listed keeps its size.
std::string resize_18_down(Draft& d) {
  if (int_attr(d, "antialias", 0) != 0) return "no decomposition: antialias";
  if (string_attr(d, "keep_aspect_ratio_policy", "stretch") != "stretch") return "no decomposition: keep_aspect_ratio_policy";
  const auto* listed = d.attrs.get<Ints>("axes");
  if (!listed) return "";
  Ints axes = *listed;
  const auto shape = d.shape(0);
  if (!shape) return "the rank of the input is not known";
  if (auto why = make_nonnegative(axes, d, 0); !why.empty()) return why;
  const std::size_t rank = shape->size();
  bool all = axes.size() == rank;
  for (std::size_t k = 0; k < axes.size(); ++k) all = all && axes[k] == static_cast<std::int64_t>(k);
  if (!all && string_attr(d, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize") return "no decomposition: roi along some axes";
  if (!all && d.has(2)) {
    const auto scales = constant_floats(d, 2);
    if (!scales || scales->size() != axes.size()) return "non-constant operand: scales along some axes";
    Floats full(rank, 1.0f);
    for (std::size_t k = 0; k < axes.size(); ++k) full[static_cast<std::size_t>(axes[k])] = (*scales)[k];
    d.set_input(2, float_vector(full));
  }
  if (!all && d.has(3)) {
    const auto sizes = d.constant_ints(3);
    if (!sizes || sizes->size() != axes.size()) return "non-constant operand: sizes along some axes";
    Ints full(rank, -1);
    for (std::size_t k = 0; k < axes.size(); ++k) full[static_cast<std::size_t>(axes[k])] = (*sizes)[k];
    for (std::size_t k = 0; k < rank; ++k) {
      if (full[k] >= 0) continue;
      if (!(*shape)[k].is_value()) return "no decomposition: sizes along some axes, others not known";
      full[k] = (*shape)[k].value();
    }
    d.set_input(3, Tensor::int64s(full));
  }
  d.drop("axes");
  return "";
}

std::string resize_19_down(Draft& d) {
  const std::string coordinates = string_attr(d, "coordinate_transformation_mode", "half_pixel");
  return coordinates == "half_pixel_symmetric" ? "no decomposition: coordinate_transformation_mode 'half_pixel_symmetric'" : "";
}

constexpr Step kSteps[] = {
    {"Upsample", 1, 7, upsample_7_up, upsample_7_down},
    {"Upsample", 7, 9, upsample_9_up, upsample_9_down},
    {"Upsample", 9, 10, upsample_to_resize, resize_to_upsample, "Resize"},
    {"Upsample", 10, 10, upsample_to_resize, nullptr, "Resize", true},
    {"Resize", 10, 11, resize_11_up, resize_11_down},
    {"Resize", 11, 13, resize_13_up, resize_13_down},
    {"Resize", 13, 18, nullptr, resize_18_down},
    {"Resize", 18, 19, nullptr, resize_19_down},
};

}  // namespace

std::span<const Step> steps_resize() { return kSteps; }

}  // namespace onnxopt
