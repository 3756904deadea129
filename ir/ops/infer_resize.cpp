// Resize, Upsample, DFT, STFT.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

using Elements = std::vector<Dim>;

// floor(size*scale). For a symbolic size only where the product is exact: a whole scale, or one over a power of two.
Dim scaled(InferCtx& ctx, Dim size, float scale) {
  if (size.is_unknown() || !(scale > 0) || !std::isfinite(scale)) return Dim();
  if (scale == 1.0F) return size;
  if (size.is_value()) {
    const float product = static_cast<float>(size.value()) * scale;  // in the precision of the operator
    return product < 9.0e15F ? Dim(static_cast<std::int64_t>(std::floor(product))) : Dim();
  }
  if (scale == std::floor(scale) && scale < 65536) return ctx.symbols().mul(size, Dim(static_cast<std::int64_t>(scale)));
  const float inverse = 1.0F / scale;
  int exponent = 0;
  const bool power_of_two = std::frexp(inverse, &exponent) == 0.5F;
  return power_of_two && inverse > 1 && inverse < 65536 ? ctx.symbols().floor_div(size, Dim(static_cast<std::int64_t>(inverse))) : Dim();
}

std::optional<Floats> float_input(const InferCtx& ctx, std::size_t i) {
  if (!ctx.node().input(i)) return std::nullopt;
  const std::optional<std::vector<double>> v = known_numbers(*ctx.node().input(i));
  if (!v) return std::nullopt;
  return Floats(v->begin(), v->end());
}

bool is_empty_input(const InferCtx& ctx, std::size_t i) {
  const Shape* s = ctx.input_shape(i);
  return !ctx.has_input(i) || (s && s->size() == 1 && (*s)[0].is(0));
}

void apply_scales(InferCtx& ctx, Shape& out, const Ints& axes, const std::optional<Floats>& scales) {
  if (scales && scales->size() != axes.size()) ctx.fail(fmt::format("{} scales for {} axes", scales->size(), axes.size()));
  for (std::size_t k = 0; k < axes.size(); ++k) {
    Dim& d = out[static_cast<std::size_t>(axes[k])];
    d = scales ? scaled(ctx, d, (*scales)[k]) : Dim();
  }
}

// keep_aspect_ratio_policy: one scale for all axes, the smallest or largest of the wanted ones; sizes are rounded half up.
void apply_sizes(InferCtx& ctx, Shape& out, const Ints& axes, const std::optional<Elements>& sizes) {
  if (sizes && sizes->size() != axes.size()) ctx.fail(fmt::format("{} sizes for {} axes", sizes->size(), axes.size()));
  const std::string policy = ctx.attr_or<std::string>("keep_aspect_ratio_policy", "stretch");
  const bool keep = policy != "stretch";
  float scale = 0;
  bool exact = keep && sizes.has_value();
  for (std::size_t k = 0; k < axes.size() && exact; ++k) {
    const Dim d = out[static_cast<std::size_t>(axes[k])], wanted = (*sizes)[k];
    exact = d.is_value() && wanted.is_value() && d.value() > 0;
    if (!exact) break;
    const float ratio = static_cast<float>(wanted.value()) / static_cast<float>(d.value());
    scale = k == 0 ? ratio : policy == "not_larger" ? std::min(scale, ratio) : std::max(scale, ratio);
  }
  for (std::size_t k = 0; k < axes.size(); ++k) {
    Dim& d = out[static_cast<std::size_t>(axes[k])];
    if (!keep) d = sizes ? (*sizes)[k] : Dim();
    else
      d = exact && scale * static_cast<float>(d.value()) < 9.0e15F
              ? Dim(static_cast<std::int64_t>(std::floor(scale * static_cast<float>(d.value()) + 0.5F)))
              : Dim();
  }
}

}  // namespace

void resize(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  OptShape out = copy_shape(ctx, 0);
  if (!out) return ctx.set_tensor(0, t, std::nullopt);
  Ints axes;
  if (const Ints* named = ctx.attr_ptr<Ints>("axes")) axes = normalize_axes(ctx, *named, static_cast<std::int64_t>(out->size()));
  else
    for (std::size_t i = 0; i < out->size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  const std::size_t scales_at = ctx.since() == 10 ? 1 : 2;
  if (ctx.since() > 10 && ctx.has_input(3) && is_empty_input(ctx, 2)) apply_sizes(ctx, *out, axes, ctx.known(3));
  else if (ctx.since() > 10 && ctx.has_input(3) && !is_empty_input(ctx, 3)) apply_sizes(ctx, *out, axes, ctx.known(3));
  else apply_scales(ctx, *out, axes, float_input(ctx, scales_at));
  ctx.set_tensor(0, t, std::move(out));
}

void upsample(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  OptShape out = copy_shape(ctx, 0);
  if (!out) return ctx.set_tensor(0, t, std::nullopt);
  Ints axes;
  for (std::size_t i = 0; i < out->size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  std::optional<Floats> scales;
  if (ctx.since() == 1) {
    if (out->size() != 4) ctx.fail(fmt::format("input of rank {}", out->size()));
    scales = Floats{1, 1, ctx.attr<float>("height_scale"), ctx.attr<float>("width_scale")};
  } else if (ctx.since() == 7) {
    scales = ctx.attr<Floats>("scales");
  } else {
    scales = float_input(ctx, 1);
  }
  apply_scales(ctx, *out, axes, scales);
  ctx.set_tensor(0, t, std::move(out));
}

// The transformed axis has dft_length entries, floor(n/2) + 1 of them for the one-sided transform of a real signal.
void dft(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  OptShape out = copy_shape(ctx, 0);
  if (!out) return ctx.set_tensor(0, t, std::nullopt);
  if (out->size() < 2) ctx.fail(fmt::format("input of rank {}", out->size()));
  const bool onesided = ctx.attr_or<std::int64_t>("onesided", 0) != 0, inverse = ctx.attr_or<std::int64_t>("inverse", 0) != 0;
  SymbolTable& s = ctx.symbols();
  std::optional<std::int64_t> axis;
  if (ctx.since() < 20) {
    axis = ctx.attr_or<std::int64_t>("axis", 1);
  } else if (!ctx.has_input(2)) {
    axis = -2;
  } else if (const std::optional<Ints> v = ctx.known_ints(2); v && v->size() == 1) {
    axis = (*v)[0];
  }
  const bool real_result = onesided && inverse;
  if (!axis && !onesided && !ctx.has_input(1)) {
    // Whichever axis it is keeps its length.
  } else if (!axis) {
    for (Dim& d : *out) d = Dim();
  } else {
    Dim& d = (*out)[static_cast<std::size_t>(normalize_axis(ctx, *axis, static_cast<std::int64_t>(out->size())))];
    const std::optional<Elements> length = ctx.known(1);
    if (ctx.has_input(1)) d = length && length->size() == 1 ? (*length)[0] : Dim();
    else if (real_result) d = s.mul(Dim(2), s.sub(d, Dim(1)));
    if (onesided && !inverse) d = s.add(s.floor_div(d, Dim(2)), Dim(1));
  }
  out->back() = real_result ? Dim(1) : Dim(2);
  ctx.set_tensor(0, t, std::move(out));
}

void stft(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* signal = ctx.input_shape(0);
  SymbolTable& s = ctx.symbols();
  const Dim signal_length = signal && signal->size() > 1 ? (*signal)[1] : Dim();
  Dim length;
  if (ctx.has_input(3)) {
    if (const std::optional<Elements> e = ctx.known(3); e && e->size() == 1) length = (*e)[0];
  }
  if (length.is_unknown() && ctx.has_input(2)) {
    const Shape* window = ctx.input_shape(2);
    if (window && window->size() == 1) length = (*window)[0];
  } else if (!ctx.has_input(3)) {
    length = signal_length;
  }
  const std::optional<Elements> step = ctx.known(1);
  Dim frames;
  if (step && step->size() == 1 && (*step)[0].is_value() && (*step)[0].value() <= 0) ctx.fail(fmt::format("frame_step is {}", (*step)[0].value()));
  if (step && step->size() == 1 && !(*step)[0].is(0)) frames = s.add(s.floor_div(s.sub(signal_length, length), (*step)[0]), Dim(1));
  const bool onesided = ctx.attr_or<std::int64_t>("onesided", 1) != 0;
  const Dim bins = onesided ? s.add(s.floor_div(length, Dim(2)), Dim(1)) : length;
  ctx.set_tensor(0, t, Shape{signal && !signal->empty() ? (*signal)[0] : Dim(), frames, bins, Dim(2)});
}

}  // namespace onnxopt::infer_fn
