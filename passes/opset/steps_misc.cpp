// What fits no family: Cast's saturation, DFT, GridSample, RoiAlign, Constant, Scan, Shape.
#include <fmt/format.h>

#include <array>
#include <memory>

#include "ir/core/sparse.h"
#include "passes/opset/step.h"

namespace onnxopt {
namespace {

std::string saturate_down(Draft& d) {
  d.drop("saturate");  // of casts to float8, which the older version does not have
  return "";
}
std::string round_mode_down(Draft& d) {
  d.drop("round_mode");  // of casts to float8e8m0, which the older version does not have
  return "";
}

bool differ(const Type& a, const Type& b) {
  if (!a.is_tensor() || !b.is_tensor() || !a.shape || !b.shape) return false;
  const Shape &x = *a.shape, &y = *b.shape;
  if (x.size() != y.size()) return true;
  for (std::size_t k = 0; k < x.size(); ++k)
    if (x[k].is_value() && y[k].is_value() && x[k].value() != y[k].value()) return true;
  return false;
}

// What the file says of a branch's output, which others go by.
const Type& declared(const Value& v) { return v.extra() && v.extra()->has_declared ? v.extra()->declared : v.type; }

// Nothing says that they are alike: readers take the shape that they know for both.
bool one_unknown(const Type& a, const Type& b) {
  return a.is_tensor() && b.is_tensor() && a.shape.has_value() != b.shape.has_value() && a.dtype != DType::undefined && b.dtype != DType::undefined;
}

// Nothing changes; but files do carry branches of different shapes, and get them back as they were.
std::string if_11_up(Draft& d) {
  d.touch();
  return "";
}
// Until opset 10 both branches give the same shapes.
std::string if_11_down(Draft& d) {
  const auto* then_branch = d.attrs.get<std::shared_ptr<Graph>>("then_branch");
  const auto* else_branch = d.attrs.get<std::shared_ptr<Graph>>("else_branch");
  if (!then_branch || !else_branch) return "";
  const auto a = (*then_branch)->outputs(), b = (*else_branch)->outputs();
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    if (differ(a[i]->type, b[i]->type) || one_unknown(a[i]->type, b[i]->type) || differ(declared(*a[i]), declared(*b[i])))
      return "no decomposition: branches that give different shapes before opset 11";
  return "";
}

std::string dft_20_up(Draft& d) {
  const std::int64_t axis = int_attr(d, "axis", 1);
  d.drop("axis");
  if (d.inputs.size() < 2) d.set_input(1, Arg());
  d.set_input(2, Tensor::scalar<std::int64_t>(axis));
  return "";
}
std::string dft_20_down(Draft& d) {
  std::int64_t axis = -2;
  if (d.has(2)) {
    const auto v = d.constant_ints(2);
    if (!v || v->size() != 1) return "non-constant operand: axis";
    axis = v->front();
  }
  d.trim_inputs(d.has(1) ? 2 : 1);
  d.set("axis", axis);
  return "";
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kGridModes{
    {{"bilinear", "linear"}, {"bicubic", "cubic"}, {"nearest", "nearest"}}};

// A mode that the version does not have would become one that the other has: a node that nothing runs would turn into one that runs.
std::string grid_sample_20_up(Draft& d) {
  if (!d.attrs.has("mode")) return "";  // both defaults mean linear
  const std::string mode = string_attr(d, "mode", "bilinear");
  for (const auto& [older, newer] : kGridModes) {
    if (mode != older) continue;
    if (older != newer) d.set("mode", std::string(newer));
    return "";
  }
  return fmt::format("GridSample before opset 20 has no mode '{}'", mode);
}
std::string grid_sample_20_down(Draft& d) {
  const auto rank = d.rank(0);
  if (rank && *rank != 4) return "no decomposition: GridSample-16 takes 4-D inputs";
  if (!d.attrs.has("mode")) return "";
  const std::string mode = string_attr(d, "mode", "linear");
  for (const auto& [older, newer] : kGridModes) {
    if (mode != newer) continue;
    if (older != newer) d.set("mode", std::string(older));
    return "";
  }
  return fmt::format("GridSample from opset 20 on has no mode '{}'", mode);
}

// RoiAlign-10 did what output_half_pixel means; the default became half_pixel.
std::string roi_align_16_up(Draft& d) {
  d.set("coordinate_transformation_mode", std::string("output_half_pixel"));
  return "";
}
std::string roi_align_16_down(Draft& d) {
  if (string_attr(d, "coordinate_transformation_mode", "half_pixel") != "output_half_pixel")
    return "no decomposition: coordinate_transformation_mode";
  d.drop("coordinate_transformation_mode");
  return "";
}

// Sparse values came with opset 11: the same elements, written out.
std::string constant_11_down(Draft& d) {
  const auto* sparse = d.attrs.get<SparseTensor>("sparse_value");
  if (!sparse) sparse = d.attrs.get<SparseTensor>("value");  // what some write, and ONNX Runtime reads
  if (!sparse) return "";
  Tensor t = dense_tensor(*sparse);
  if (!t) return "no decomposition: a sparse value that cannot be written out";
  d.drop("sparse_value");
  d.set("value", std::move(t));
  return "";
}

// Constant-1 knew tensors only.
std::string constant_12_down(Draft& d) {
  if (const auto* v = d.attrs.get<float>("value_float")) d.set("value", Tensor::scalar<float>(*v));
  if (const auto* v = d.attrs.get<std::int64_t>("value_int")) d.set("value", Tensor::scalar<std::int64_t>(*v));
  if (const auto* v = d.attrs.get<Ints>("value_ints")) d.set("value", Tensor::int64s(*v));
  if (const auto* v = d.attrs.get<Floats>("value_floats")) d.set("value", Tensor::of<float>({static_cast<std::int64_t>(v->size())}, *v));
  if (const auto* v = d.attrs.get<std::string>("value_string")) d.set("value", Tensor::from_strings({}, {*v}));
  if (const auto* v = d.attrs.get<Strings>("value_strings")) d.set("value", Tensor::from_strings({static_cast<std::int64_t>(v->size())}, *v));
  if (!d.attrs.get<Tensor>("value")) return "";
  for (const char* name : {"value_float", "value_int", "value_ints", "value_floats", "value_string", "value_strings"}) d.drop(name);
  return "";
}

// The remainder with the divisor's sign was for integers only.
// A file that has it all the same stays as it is: it could not go back.
std::string mod_28_up(Draft& d) {
  const DType t = d.dtype(0);
  return int_attr(d, "fmod", 0) == 0 && t != DType::undefined && !is_integer(t) ? "fmod = 0 of a type that is no integer" : "";
}
std::string mod_28_down(Draft& d) {
  return int_attr(d, "fmod", 0) == 0 && !is_integer(d.dtype(0)) ? "no decomposition: fmod = 0 of this type before opset 28" : "";
}

std::string scan_9_up(Draft&) { return "Scan-8 works on batches with sequence lengths"; }
std::string scan_9_down(Draft&) { return "no decomposition: Scan-8 works on batches"; }

constexpr Step kSteps[] = {
    {"Cast", 13, 19, nullptr, saturate_down},
    {"If", 1, 11, if_11_up, if_11_down},
    {"CastLike", 15, 19, nullptr, saturate_down},
    {"Cast", 23, 24, nullptr, round_mode_down},
    {"CastLike", 23, 24, nullptr, round_mode_down},
    {"DFT", 17, 20, dft_20_up, dft_20_down},
    {"GridSample", 16, 20, grid_sample_20_up, grid_sample_20_down},
    {"RoiAlign", 10, 16, roi_align_16_up, roi_align_16_down},
    {"Constant", 9, 11, nullptr, constant_11_down},
    {"Constant", 11, 12, nullptr, constant_12_down},
    {"Mod", 13, 28, mod_28_up, mod_28_down},
    {"Scan", 8, 9, scan_9_up, scan_9_down},
};

}  // namespace

std::span<const Step> steps_misc() { return kSteps; }

}  // namespace onnxopt
