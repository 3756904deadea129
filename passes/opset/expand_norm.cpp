// Normalizations and Softmax, from reductions.
#include <algorithm>

#include "passes/opset/expand_families.h"

namespace onnxopt::expand_fn {
namespace {

bool computable(DType t) { return t == DType::float32 || t == DType::float64 || t == DType::float16 || t == DType::bfloat16; }

Ints from_axis(std::int64_t axis, std::int64_t rank) {
  Ints r;
  for (std::int64_t k = axis; k < rank; ++k) r.push_back(k);
  return r;
}

// Axes [axis, rank) counted from the end, which needs no rank where axis is negative.
std::optional<Ints> normalized_axes(const Expansion& e, std::int64_t axis) {
  Ints r;
  if (axis < 0) {
    for (std::int64_t k = axis; k < 0; ++k) r.push_back(k);
    return r;
  }
  const auto rank = e.rank(0);
  if (!rank) return std::nullopt;
  return from_axis(axis, *rank);
}

// The type that the statistics are computed in.
DType stash_type(const Expansion& e, DType t) {
  const std::int64_t stash = e.integer("stash_type", 1);
  return stash == 1 && t != DType::float64 ? DType::float32 : t;
}

struct Moments {
  Value *centered, *mean, *deviation;
};
Moments moments(Expansion& e, Value* x, const Ints& axes, float epsilon, DType w) {
  Value* mean = e.reduce("ReduceMean", x, axes);
  Value* centered = e.sub(x, mean);
  Value* variance = e.reduce("ReduceMean", e.mul(centered, centered), axes);
  return {centered, mean, e.op("Sqrt", {e.add(variance, e.scalar(w, epsilon))})};
}

}  // namespace

std::string layer_normalization(Expansion& e) {
  const DType t = e.dtype(0), w = stash_type(e, t);
  if (!computable(t)) return "the type of the input is not known";
  const auto axes = normalized_axes(e, e.integer("axis", -1));
  if (!axes) return "the rank of the input is not known";
  const Moments m = moments(e, e.cast(e.in(0), w), *axes, e.real("epsilon", 1e-5f), w);
  Value* y = e.cast(e.div(m.centered, m.deviation), t);
  y = e.mul(y, e.in(1));
  if (e.has(2)) y = e.add(y, e.in(2));
  e.result(0, y);
  if (e.used(1)) e.result(1, m.mean);
  if (e.used(2)) e.result(2, e.op("Reciprocal", {m.deviation}));
  return "";
}

std::string rms_normalization(Expansion& e) {
  const DType t = e.dtype(0), w = stash_type(e, t);
  if (!computable(t)) return "the type of the input is not known";
  const auto axes = normalized_axes(e, e.integer("axis", -1));
  if (!axes) return "the rank of the input is not known";
  Value* x = e.cast(e.in(0), w);
  Value* square = e.reduce("ReduceMean", e.mul(x, x), *axes);
  Value* rms = e.op("Sqrt", {e.add(square, e.scalar(w, e.real("epsilon", 1e-5f)))});
  e.result(0, e.mul(e.cast(e.div(x, rms), t), e.in(1)));
  return "";
}

// Groups of channels are normalized as one; scale and bias are one a channel (18 to 20: one a group).
std::string group_normalization(Expansion& e) {
  const DType t = e.dtype(0), w = stash_type(e, t);
  const auto rank = e.rank(0);
  const std::int64_t groups = e.integer("num_groups", 0);
  if (!computable(t)) return "the type of the input is not known";
  if (!rank || *rank < 3 || groups <= 0) return "the rank of the input is not known";
  const Moments m = moments(e, e.op("Reshape", {e.cast(e.in(0), w), e.ints({0, groups, -1})}), {2}, e.real("epsilon", 1e-5f), w);
  Value* y = e.cast(e.div(m.centered, m.deviation), t);
  if (e.since() < 21) {
    for (std::size_t i = 1; i <= 2; ++i)  // some exporters write one value a channel, as from opset 21 on
      if (const Shape* s = e.shape(i); s && (s->size() != 1 || !(*s)[0].is(groups))) return "scale or bias is not one value a group";
    y = e.add(e.mul(y, e.reshape(e.in(1), {1, groups, 1})), e.reshape(e.in(2), {1, groups, 1}));
    e.result(0, e.reshape_like(y, e.in(0)));
    return "";
  }
  Ints per_channel(static_cast<std::size_t>(*rank), 1);
  per_channel[1] = -1;
  y = e.reshape_like(y, e.in(0));
  e.result(0, e.add(e.mul(y, e.reshape(e.in(1), per_channel)), e.reshape(e.in(2), per_channel)));
  return "";
}

std::string mean_variance_normalization(Expansion& e) {
  const DType t = e.dtype(0);
  if (!computable(t)) return "the type of the input is not known";
  const Ints axes = e.integers("axes") ? *e.integers("axes") : Ints{0, 2, 3};
  Value* centered = e.sub(e.in(0), e.reduce("ReduceMean", e.in(0), axes));
  Value* variance = e.reduce("ReduceMean", e.mul(centered, centered), axes);
  e.result(0, e.div(centered, e.add(e.op("Sqrt", {variance}), e.scalar(t, 1e-9))));
  return "";
}

// From 13 on along one axis; before, the tensor became rows at `axis`.
std::string softmax(Expansion& e) {
  const auto rank = e.rank(0);
  const std::string_view name = e.node().op().name;
  if (e.node().kept && e.since() < 13) {  // upwards
    const std::int64_t axis = e.integer("axis", 1);
    Value* rows = e.op("Flatten", {e.in(0)}, {{"axis", axis}});
    e.result(0, e.reshape_like(e.op(name, {rows}, {{"axis", std::int64_t{1}}}), e.in(0)));
    return "";
  }
  if (!rank) return "the rank of the input is not known";
  std::int64_t axis = e.integer("axis", -1);
  axis += axis < 0 ? *rank : 0;
  Ints swap = from_axis(0, *rank);
  std::swap(swap[static_cast<std::size_t>(axis)], swap.back());
  Value* y = e.op(name, {e.transpose(e.in(0), swap)}, {{"axis", std::int64_t{-1}}});
  e.result(0, e.transpose(y, swap));
  return axis == *rank - 1 ? kOtherReason : "";
}

// spatial = 0 before opset 9: one statistic an element. Sums and products do as well.
std::string batch_normalization(Expansion& e) {
  for (std::size_t i = 1; i < e.node().outputs().size(); ++i)
    if (e.used(i)) return "no decomposition: training outputs";
  if (e.integer("training_mode", 0) != 0 || (e.since() < 7 && e.integer("is_test", 0) == 0)) return "no decomposition: training mode";
  if (e.since() >= 7 && e.since() < 14 && e.node().outputs().size() > 1) return "no decomposition: training mode";
  const auto rank = e.rank(0);
  const DType t = e.dtype(0);
  if (!rank || !computable(t)) return "the rank of the input is not known";
  const bool each = e.since() < 9 && e.integer("spatial", 1) == 0;
  const auto shaped = [&](std::size_t i) {
    Ints dims(static_cast<std::size_t>(std::max<std::int64_t>(*rank - 1, 1)), 1);
    dims[0] = -1;
    return each ? e.in(i) : e.reshape(e.in(i), dims);
  };
  Value* deviation = e.op("Sqrt", {e.add(shaped(4), e.scalar(e.dtype(4), e.real("epsilon", 1e-5f)))});
  e.result(0, e.add(e.mul(e.div(e.sub(e.in(0), shaped(3)), deviation), shaped(1)), shaped(2)));
  return "";
}

}  // namespace onnxopt::expand_fn
