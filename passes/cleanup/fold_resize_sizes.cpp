// y = Resize (x, , , sizes)   ==>   y = Resize (x, , scales)      where the sizes are computed, but each is known or is x's own
// What exporters write for a resize to a fixed size of a batch of any size. The scales are those that the sizes stand for, where a float says them so
// exactly that the same sizes come out.
#include <cmath>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

// Which element is the nearest may hang on the last bit of a scale: where some position lies on the border between two, only an exact one will do.
bool picks_the_same(const Node& n, std::int64_t from, std::int64_t to) {
  const auto where = n.attr<std::string>("coordinate_transformation_mode"), nearest = n.attr<std::string>("nearest_mode");
  if (n.attr<std::string>("mode") != "nearest" || where == "align_corners" || to % from == 0) return true;
  constexpr std::int64_t kMost = 1 << 16;
  if (to > kMost) return false;
  const double step = static_cast<double>(from) / static_cast<double>(to);
  const double border = nearest == "floor" || nearest == "ceil" ? 0 : 0.5;
  const bool is_asymmetric = where == "asymmetric";
  for (std::int64_t i = is_asymmetric ? 1 : 0; i < to; ++i) {
    const auto at = static_cast<double>(i);
    const double x = is_asymmetric ? at * step : (at + 0.5) * step - 0.5, past = x - border;
    if (std::abs(past - std::nearbyint(past)) <= 1e-5 * (1 + x)) return false;
  }
  return true;
}

bool visit(const Node& n, Rewriter& rw) {
  const Value* sizes = n.input(3);
  if (!sizes || sizes->constant() || !plain(n)) return no(rw, "the sizes are constant already");
  if (n.attr<std::string>("coordinate_transformation_mode") == "tf_crop_and_resize") return no(rw, "a region is cropped");
  if (n.attr<std::string>("keep_aspect_ratio_policy") != "stretch") return no(rw, "the sizes are limits only");
  if (n.attrs().has("axes")) return no(rw, "only some axes are given");
  const Shape *in = shape_of(n.input(0)), *out = shape_of(n.output());
  if (!in || !out || in->size() != out->size()) return no(rw, "the rank is not known");
  std::vector<float> scales;
  for (std::size_t i = 0; i < in->size(); ++i) {
    if (same((*in)[i], (*out)[i])) {
      scales.push_back(1.0F);
      continue;
    }
    if (!(*in)[i].is_value() || !(*out)[i].is_value() || (*in)[i].value() < 1 || (*out)[i].value() < 1) return no(rw, "a size is not known");
    const auto from = static_cast<float>((*in)[i].value()), to = static_cast<float>((*out)[i].value());
    const float scale = to / from;
    // The product may be rounded up or down by one unit in the last place, in float or in double.
    for (const double product : {static_cast<double>(from * scale), static_cast<double>(from) * static_cast<double>(scale)})
      if (static_cast<std::int64_t>(std::floor(product)) != (*out)[i].value()) return no(rw, "no float is the scale");
    if (static_cast<double>(scale) * from != to && !picks_the_same(n, (*in)[i].value(), (*out)[i].value()))
      return no(rw, "the nearest element hangs on the last bit of the scale");
    scales.push_back(scale);
  }
  const auto count = static_cast<std::int64_t>(scales.size());
  Attrs attrs = n.attrs();
  attrs.remove("keep_aspect_ratio_policy");
  return becomes(n, rw, rw.op("Resize", {n.input(0), nullptr, rw.constant(Tensor::of<float>({count}, scales), "scales")}, std::move(attrs)));
}

}  // namespace

NodeRule fold_resize_sizes() { return {"fold-resize-sizes", "Make computed sizes of Resize constant scales", "Resize", Level::o2, visit}; }

}  // namespace onnxopt
