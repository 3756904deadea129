// Resize as gathering along each axis: sizes, modes and coordinates that an older version lacks, for axes whose sizes are known. Nearest picks
// elements; linear and cubic add a few weighted picks.
#include <algorithm>
#include <cmath>

#include "passes/opset/expand_families.h"

namespace onnxopt::expand_fn {
namespace {

struct Axis {
  std::int64_t in = 0, out = 0;
  double scale = 1;
};

struct Request {
  std::string mode, coordinates, rounding, policy;
  bool exclude_outside = false, antialias = false;
  double cubic = -0.75;
  std::vector<Axis> axes;
};

Request request_of(const Expansion& e) {
  Request r;
  r.mode = e.text("mode", "nearest");
  r.coordinates = e.text("coordinate_transformation_mode", "half_pixel");
  r.rounding = e.text("nearest_mode", "round_prefer_floor");
  r.policy = e.text("keep_aspect_ratio_policy", "stretch");
  r.exclude_outside = e.integer("exclude_outside", 0) != 0;
  r.antialias = e.integer("antialias", 0) != 0;
  r.cubic = e.real("cubic_coeff_a", -0.75f);
  if (e.since() < 11) {
    r.coordinates = "asymmetric";
    r.rounding = "simple";
  }
  return r;
}

// In and out of every axis; "", or why not. What is not known now may be computed (resize_computed).
std::string plan(const Expansion& e, Request& r) {
  const Shape* s = e.shape(0);
  if (!s) return kOtherReason;
  const std::size_t scales_at = e.since() < 11 ? 1 : 2;
  const Tensor* scales = e.constant(scales_at);
  if (scales && scales->size() == 0) scales = nullptr;
  const auto sizes = e.has(3) ? e.constant_ints(3) : std::nullopt;
  if (!scales && !sizes) return kOtherReason;
  if (scales && scales->dtype() != DType::float32) return kOtherReason;
  Ints axes;
  if (const Ints* a = e.integers("axes")) axes = *a;
  else
    for (std::size_t k = 0; k < s->size(); ++k) axes.push_back(static_cast<std::int64_t>(k));
  if (axes.size() != (scales ? static_cast<std::size_t>(scales->size()) : sizes->size())) return kOtherReason;
  r.axes.assign(s->size(), Axis());
  double common = 0;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const auto at = static_cast<std::size_t>(axes[k] < 0 ? axes[k] + static_cast<std::int64_t>(s->size()) : axes[k]);
    Axis& a = r.axes[at];
    const Dim& d = (*s)[at];
    const double scale = scales ? static_cast<double>(scales->data<float>()[k]) : 0;
    if (scales && scale == 1) continue;
    if (!d.is_value() || d.value() <= 0) {
      if (sizes && !scales && d.is(sizes->at(k))) continue;
      return kOtherReason;
    }
    a.in = d.value();
    a.scale = scales ? scale : static_cast<double>(sizes->at(k)) / static_cast<double>(a.in);
    const float width = static_cast<float>(a.in) * static_cast<float>(scale);  // in the precision of the operator
    a.out = scales ? static_cast<std::int64_t>(std::floor(width)) : sizes->at(k);
    if (scales && r.coordinates == "align_corners" && width != std::floor(width))
      return "no decomposition: align_corners to a part of an element, which runtimes and the reference read differently";
    common = common == 0 ? a.scale : r.policy == "not_larger" ? std::min(common, a.scale) : std::max(common, a.scale);
  }
  if (!scales && r.policy != "stretch")
    for (Axis& a : r.axes)
      if (a.in > 0) {
        a.scale = common;
        a.out = static_cast<std::int64_t>(static_cast<float>(common) * static_cast<float>(a.in) + 0.5F);
      }
  return "";
}

// Where output element i lies in the input. T is float or double: runtimes compute in float.
template <class T>
std::optional<T> position(const Request& r, const Axis& a, std::int64_t i) {
  const T x = static_cast<T>(i), scale = static_cast<T>(a.scale), in = static_cast<T>(a.in), out = static_cast<T>(a.out), half = static_cast<T>(0.5);
  if (r.coordinates == "asymmetric") return x / scale;
  if (r.coordinates == "half_pixel") return (x + half) / scale - half;
  if (r.coordinates == "pytorch_half_pixel") return a.out > 1 ? (x + half) / scale - half : T{0};
  if (r.coordinates == "align_corners") return a.out == 1 ? T{0} : x * (in - 1) / (out - 1);
  if (r.coordinates == "tf_half_pixel_for_nn") return (x + half) / scale;
  if (r.coordinates == "half_pixel_symmetric") return in * half * (1 - out / (scale * in)) + (x + half) / scale - half;
  return std::nullopt;
}

template <class T>
std::int64_t nearest(const Request& r, const Axis& a, T x) {
  const T floor = std::floor(x), rest = x - floor;
  bool up = false;
  if (r.rounding == "round_prefer_floor") up = rest > static_cast<T>(0.5);
  else if (r.rounding == "round_prefer_ceil") up = rest >= static_cast<T>(0.5);
  else if (r.rounding == "ceil") up = rest > 0;
  else if (r.rounding == "simple") up = rest > 0 && a.scale < 1;
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(floor) + up, 0, a.in - 1);
}

// "" or why not.
std::string pick(Expansion& e, const Request& r, const Axis& a, std::int64_t axis, Value*& x) {
  Ints from;
  for (std::int64_t i = 0; i < a.out; ++i) {
    const auto p = position<double>(r, a, i);
    if (!p) return "no decomposition: coordinate_transformation_mode '" + r.coordinates + "'";
    from.push_back(nearest(r, a, *p));
    if (from.back() != nearest(r, a, *position<float>(r, a, i))) return "no decomposition: an element halfway between two";
  }
  x = e.op("Gather", {x, e.ints(from, "indices")}, {{"axis", axis}});
  return "";
}

double cubic_weight(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

std::string blend(Expansion& e, const Request& r, const Axis& a, std::int64_t axis, std::size_t rank, Value*& x) {
  const double shrink = r.antialias ? std::min(a.scale, 1.0) : 1.0;
  const double reach = (r.mode == "cubic" ? 2 : 1) / shrink;
  const auto before = static_cast<std::int64_t>(std::floor(-reach)) + 1;
  const auto taps = static_cast<std::size_t>(2 - 2 * before);
  if (taps > 16) return "no decomposition: antialias over many elements";
  std::vector<Ints> from(taps);
  std::vector<Floats> weights(taps);
  for (std::int64_t i = 0; i < a.out; ++i) {
    const auto p = position<double>(r, a, i);
    if (!p) return "no decomposition: coordinate_transformation_mode '" + r.coordinates + "'";
    const auto left = static_cast<std::int64_t>(std::ceil(*p)) - 1;
    double sum = 0;
    std::vector<double> w;
    for (std::size_t k = 0; k < taps; ++k) {
      const std::int64_t at = left + before + static_cast<std::int64_t>(k);
      const double distance = (static_cast<double>(at) - *p) * shrink;
      w.push_back(r.mode == "cubic" ? cubic_weight(distance, r.cubic) : std::max(0.0, 1 - std::abs(distance)));
      if (r.exclude_outside && (at < 0 || at >= a.in)) w.back() = 0;
      sum += w.back();
      from[k].push_back(std::clamp<std::int64_t>(at, 0, a.in - 1));
    }
    for (std::size_t k = 0; k < taps; ++k) weights[k].push_back(static_cast<float>(r.exclude_outside || r.antialias ? w[k] / sum : w[k]));
  }
  Dims dims(rank, 1);
  dims[static_cast<std::size_t>(axis)] = a.out;
  Value* sum = nullptr;
  for (std::size_t k = 0; k < taps; ++k) {
    if (std::all_of(weights[k].begin(), weights[k].end(), [](float w) { return w == 0; })) continue;
    Value* part = e.op("Gather", {x, e.ints(from[k], "indices")}, {{"axis", axis}});
    part = e.mul(part, e.tensor(Tensor::of<float>(dims, weights[k]), "weights"));
    sum = sum ? e.add(sum, part) : part;
  }
  x = sum;
  return "";
}

}  // namespace

std::string resize(Expansion& e) {
  Request r = request_of(e);
  const std::string why = plan(e, r);
  if (!why.empty() && why != kOtherReason) return why;
  if (!why.empty() || r.coordinates == "tf_crop_and_resize") return resize_computed(e);
  const DType t = e.dtype(0);
  const bool picks = r.mode == "nearest";
  if (!picks && t != DType::float32 && t != DType::float16) return "type: Resize of this type";
  if (!picks && r.mode != "linear" && r.mode != "cubic") return "no decomposition: mode '" + r.mode + "'";
  Value* x = picks ? e.in(0) : e.cast(e.in(0), DType::float32);
  for (std::size_t k = 0; k < r.axes.size(); ++k) {
    const Axis& a = r.axes[k];
    if (a.in == 0 || (a.in == a.out && a.scale == 1)) continue;
    const auto axis = static_cast<std::int64_t>(k);
    const std::string why = picks ? pick(e, r, a, axis, x) : blend(e, r, a, axis, r.axes.size(), x);
    if (!why.empty()) return why;
  }
  e.result(0, picks ? e.op("Identity", {x}) : e.cast(x == e.in(0) ? e.op("Identity", {x}) : x, t));
  return "";
}

}  // namespace onnxopt::expand_fn
