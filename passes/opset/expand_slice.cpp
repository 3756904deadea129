// Slice and Pad where bounds, amounts, axes or steps are computed.
#include <algorithm>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

std::optional<std::int64_t> length_of(const Value* v) {
  const Shape* s = Expansion::shape_of(v);
  if (!s || s->size() != 1 || !s->front().is_value()) return std::nullopt;
  return s->front().value();
}

}  // namespace

namespace {

// For each axis the amount that is meant for it, or `otherwise`: [rank], of amounts [count] of the axes in `axes`, which are computed.
Value* for_each_axis(Expansion& e, Value* axes, Value* amounts, std::int64_t rank, std::int64_t otherwise) {
  Value* at = e.cast(axes, DType::int64);
  at = e.unsqueeze(e.add(at, e.mul(e.cast(e.op("Less", {at, e.index(0)}), DType::int64), e.index(rank))), {0});
  Value* hits = e.cast(e.op("Equal", {e.unsqueeze(range(e, 0, rank), {1}), at}), DType::int64);
  Value* sum = e.reduce("ReduceSum", e.mul(hits, e.unsqueeze(e.cast(amounts, DType::int64), {0})), {1}, false);
  if (otherwise == 0) return sum;
  Value* none = e.sub(e.index(1), e.reduce("ReduceSum", hits, {1}, false));
  return e.add(sum, e.mul(none, e.index(otherwise)));
}

Index not_below(Expansion& e, const Index& i, Value* low) { return Index(e.op("Max", {vector_of(e, i), low})); }
Index not_above(Expansion& e, const Index& i, Value* high) { return Index(e.op("Min", {vector_of(e, i), high})); }

// One axis with a step that is computed, forwards or backwards.
Value* picked_by_step(Expansion& e, Value* x, std::int64_t axis, const Index& start, const Index& end, const Index& step) {
  const Index size = dim_of(e, x, axis);
  Value* back = e.cast(e.op("Less", {vector_of(e, step), e.ints({0}, "zero")}), DType::int64);  // 1 where it goes backwards
  Value *most = e.sub(vector_of(e, size), back), *least = e.op("Neg", {back});
  const Index from = not_above(e, not_below(e, wrap(e, start, size), e.ints({0}, "zero")), most);
  const Index to = not_above(e, not_below(e, wrap(e, end, size), least), most);
  Value* at = e.op("Range", {scalar_of(e, from), scalar_of(e, to), scalar_of(e, step)});
  return e.op("Gather", {x, at}, {{"axis", axis}});
}

// Axes or steps that are computed, or an unknown number of them. Where the axes are, every axis is cut, most of them from end to end.
std::string slice_by_computed(Expansion& e, std::optional<std::int64_t> count) {
  const auto rank = e.rank(0);
  if (!rank) return "the rank of the input is not known";
  if (count == 0 || *rank == 0) {
    e.result(0, e.op("Identity", {e.in(0)}));
    return "";
  }
  Value *starts = e.in(1), *ends = e.in(2), *steps = e.in(4);
  Ints axes;
  for (std::int64_t k = 0; k < (e.has(3) || !count ? *rank : *count); ++k) axes.push_back(k);
  if (e.has(3) && e.constant_ints(3)) {
    axes = *e.constant_ints(3);
    for (std::int64_t& a : axes) a += a < 0 ? *rank : 0;
  } else if (e.has(3) || !count) {
    Value* named = e.has(3) ? e.in(3) : range(e, 0, Index(e.shape_value(starts)));
    starts = for_each_axis(e, named, starts, *rank, 0);
    ends = for_each_axis(e, named, ends, *rank, INT32_MAX);
    if (steps) steps = for_each_axis(e, named, steps, *rank, 1);
  }
  if (!steps) {
    e.result(0, e.op("Slice", {e.in(0), starts, ends, e.ints(axes, "axes")}));
    return "";
  }
  Value* x = e.in(0);
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const auto at = static_cast<std::int64_t>(k);
    x = picked_by_step(e, x, axes[k], element(e, starts, at), element(e, ends, at), element(e, steps, at));
  }
  e.result(0, x);
  return "";
}

}  // namespace

// Bounds that are computed, or steps, before opset 10: the indices are written out and gathered, axis by axis.
std::string slice(Expansion& e) {
  for (std::size_t i = 1; i < 5; ++i)  // against the specification, but runtimes read it
    if (e.has(i) && e.shape(i) && e.shape(i)->empty()) return "starts, ends, axes or steps are no vectors";
  auto count = length_of(e.in(1));
  for (std::size_t i = 2; !count && i < 5; ++i) count = e.has(i) ? length_of(e.in(i)) : std::nullopt;
  const auto rank = e.rank(0);
  if (!count || (e.has(3) && !e.constant_ints(3)) || (e.has(4) && !e.constant_ints(4))) return slice_by_computed(e, count);
  Ints axes, steps(static_cast<std::size_t>(*count), 1);
  for (std::int64_t k = 0; k < *count; ++k) axes.push_back(k);
  if (e.has(3)) axes = *e.constant_ints(3);
  if (e.has(4)) steps = *e.constant_ints(4);
  Value* x = e.in(0);
  for (std::size_t k = 0; k < axes.size(); ++k) {
    if (axes[k] < 0 && !rank) return "the rank of the input is not known";
    const std::int64_t axis = axes[k] < 0 ? axes[k] + *rank : axes[k];
    const Index size = dim_of(e, x, axis), one = 1, zero = 0;
    const Index start = element(e, e.in(1), static_cast<std::int64_t>(k)), end = element(e, e.in(2), static_cast<std::int64_t>(k));
    const bool to_end = end.number && *end.number >= INT32_MAX && steps[k] > 0;
    const bool from_zero = start.number && *start.number == 0 && steps[k] > 0;
    const Index last = steps[k] > 0 ? size : sub(e, size, one), lowest = steps[k] > 0 ? zero : Index(-1);
    const auto clamped = [&](const Index& i, const Index& low) { return min(e, max(e, wrap(e, i, size), low), last); };
    const Index from = from_zero ? zero : start.number && *start.number >= 0 ? min(e, start, last) : clamped(start, zero);
    const Index to = to_end                                    ? size
                     : end.number && *end.number <= -INT32_MAX ? lowest
                     : end.number && *end.number >= 0          ? min(e, end, last)
                                                               : clamped(end, lowest);
    x = e.op("Gather", {x, range(e, from, to, steps[k])}, {{"axis", axis}});
  }
  e.result(0, axes.empty() ? e.op("Identity", {x}) : x);
  return "";
}

namespace {

// Which element of `size` stands at position i of an axis that repeats its border or its content.
std::int64_t padded_from(std::int64_t i, std::int64_t size, const std::string& mode) {
  if (mode == "edge") return std::clamp<std::int64_t>(i, 0, size - 1);
  const std::int64_t period = mode == "wrap" ? size : std::max<std::int64_t>(1, 2 * (size - 1));
  const std::int64_t m = ((i % period) + period) % period;
  return m < size ? m : period - m;
}

// The same of positions and a size that are computed. Division truncates.
Value* padded_from(Expansion& e, Value* i, const Index& size, const std::string& mode) {
  Value* last = vector_of(e, sub(e, size, 1));
  const auto at_most = [&](Value* v, Value* most) {
    Value* over = e.cast(e.op("Greater", {v, most}), DType::int64);
    return e.add(v, e.mul(over, e.sub(most, v)));
  };
  const auto not_negative = [&](Value* v) { return e.mul(v, e.cast(e.op("Greater", {v, e.index(0)}), DType::int64)); };
  if (mode == "edge") return at_most(not_negative(i), last);
  Value* period = mode == "wrap" ? vector_of(e, size) : e.mul(last, e.index(2));
  if (mode != "wrap") period = e.add(period, e.cast(e.op("Equal", {period, e.index(0)}), DType::int64));
  Value* rest = e.sub(i, e.mul(e.div(i, period), period));
  rest = e.add(rest, e.mul(e.cast(e.op("Less", {rest, e.index(0)}), DType::int64), period));
  if (mode == "wrap") return rest;
  Value* behind = e.cast(e.op("Greater", {rest, last}), DType::int64);
  return e.add(rest, e.mul(behind, e.sub(period, e.mul(rest, e.index(2)))));
}

// Modes that copy elements: a Gather an axis.
std::string pad_with_copies(Expansion& e, const std::string& mode, const Ints& axes) {
  if (mode != "edge" && mode != "wrap" && mode != "reflect") return "no decomposition: mode '" + mode + "'";
  Value* x = e.in(0);
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const Index before = element(e, e.in(1), static_cast<std::int64_t>(k)), after = element(e, e.in(1), static_cast<std::int64_t>(axes.size() + k));
    const Index size = dim_of(e, x, axes[k]);
    if (before.number == 0 && after.number == 0) continue;
    if (!size.number || !before.number || !after.number) {
      Value* all = range(e, sub(e, 0, before), add(e, size, after));
      x = e.op("Gather", {x, padded_from(e, all, size, mode)}, {{"axis", axes[k]}});
      continue;
    }
    if (*size.number == 0) return "no decomposition: copies of nothing";
    Ints from;
    for (std::int64_t i = -*before.number; i < *size.number + *after.number; ++i) from.push_back(padded_from(i, *size.number, mode));
    x = e.op("Gather", {x, e.ints(from, "indices")}, {{"axis", axes[k]}});
  }
  e.result(0, e.op("Identity", {x}));
  return "";
}

}  // namespace

// Amounts that are computed, before opset 11: blocks of the padding value are put beside the tensor, axis by axis.
std::string pad(Expansion& e) {
  const std::string mode = e.text("mode", "constant");
  const auto rank = e.rank(0);
  if (!rank) return "the rank of the input is not known";
  if (e.has(3) && !e.constant_ints(3)) {  // every axis gets its amounts, most of them none
    if (*rank == 0) {                     // it has none
      e.result(0, e.op("Identity", {e.in(0)}));
      return "";
    }
    const auto n = length_of(e.in(3));
    Value* both = n ? nullptr : e.reshape(e.in(1), {2, -1});
    const auto half = [&](std::int64_t k) {
      return n ? e.slice(e.in(1), k * *n, (k + 1) * *n, 0) : e.op("Gather", {both, e.index(k)}, {{"axis", std::int64_t{0}}});
    };
    Value *before = half(0), *after = half(1);
    Value* pads = e.concat({for_each_axis(e, e.in(3), before, *rank, 0), for_each_axis(e, e.in(3), after, *rank, 0)}, 0);
    e.result(0, e.op("Pad", {e.in(0), pads, e.in(2)}, {{"mode", mode}}));
    return "";
  }
  Ints axes;
  for (std::int64_t k = 0; k < *rank; ++k) axes.push_back(k);
  if (e.has(3)) axes = *e.constant_ints(3);
  for (std::int64_t& axis : axes) axis += axis < 0 ? *rank : 0;
  if (mode != "constant") return pad_with_copies(e, mode, axes);
  const DType t = e.dtype(0);
  if (t == DType::undefined || (!e.has(2) && !float_scalar(t, 0))) return "type: the padding value";
  Value* fill = e.reshape(e.has(2) ? e.in(2) : e.scalar(t, 0), {1});
  Value* x = e.in(0);
  const auto n = static_cast<std::int64_t>(axes.size());
  for (std::int64_t k = 0; k < n; ++k) {
    const std::int64_t axis = axes[static_cast<std::size_t>(k)];
    const Index size = dim_of(e, x, axis);
    std::vector<Value*> parts;
    const Index amounts[2] = {element(e, e.in(1), k), element(e, e.in(1), n + k)};
    if (amounts[0].number == 0 && amounts[1].number == 0) continue;
    const auto block = [&](const Index& amount) {
      std::vector<Index> dims = dims_of(e, x);
      dims[static_cast<std::size_t>(axis)] = max(e, amount, 0);
      return e.op("Expand", {fill, vector_of(e, dims)});
    };
    const bool crops = !amounts[0].number || !amounts[1].number || *amounts[0].number < 0 || *amounts[1].number < 0;
    Value* middle = x;
    if (crops) {  // negative amounts take away
      const Index from = max(e, sub(e, 0, amounts[0]), 0), to = add(e, size, min(e, amounts[1], 0));
      middle = e.op("Slice", {x, vector_of(e, from), vector_of(e, to), e.ints({axis}, "axes")});
    }
    if (amounts[0].number != 0) parts.push_back(block(amounts[0]));
    parts.push_back(middle);
    if (amounts[1].number != 0) parts.push_back(block(amounts[1]));
    x = e.concat(std::move(parts), axis);
  }
  e.result(0, e.op("Identity", {x}));
  return "";
}

}  // namespace onnxopt::expand_fn
