// Concat, Split, Slice, Pad, CenterCropPad.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "ir/ops/infer_driver.h"
#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

using Elements = std::vector<Dim>;

constexpr std::int64_t kFar = std::int64_t{1} << 30;  // exporters write such a number (INT_MAX, INT64_MAX) for "to the end"

// Length of a slice with a positive step over `d` elements. Symbolic bounds are sizes, so not negative.
Dim forward_length(InferCtx& ctx, Dim d, Dim start, Dim end, std::int64_t step) {
  SymbolTable& s = ctx.symbols();
  if (end.is_value() && end.value() <= -kFar) return Dim(0);
  if (start.is_value() && start.value() <= -kFar) start = Dim(0);  // before the first element
  const bool to_end = (end.is_value() && end.value() >= kFar) || same(end, d);
  const bool start_negative = start.is_value() && start.value() < 0, end_negative = end.is_value() && end.value() < 0;
  const auto sure = [&](Dim x) { return x.is_value() || s.lower_bound(x).value_or(-1) >= 0; };
  if (!sure(start) || !sure(end)) return Dim();
  if (start_negative && (to_end || end_negative)) {
    // The last elements: min(d, -start) up to the end, less the -end last of them.
    Dim length = s.min(d, Dim(-start.value()));
    if (!to_end) length = s.max(Dim(0), s.sub(length, Dim(-end.value())));
    return s.ceil_div(length, Dim(step));
  }
  if (start_negative) start = s.max(Dim(0), s.add(d, start));
  Dim stop = to_end ? d : end_negative ? s.add(d, end) : s.min(end, d);
  return s.ceil_div(s.max(Dim(0), s.sub(stop, start)), Dim(step));
}

std::int64_t clamped(std::int64_t v, std::int64_t d, std::int64_t low, std::int64_t high) { return std::clamp(v < 0 ? v + d : v, low, high); }

struct Range {
  std::int64_t start, end, step;
};

// The range as numbers, clamped as the spec says; only for a dim that is a number.
Range clamp_range(std::int64_t d, std::int64_t start, std::int64_t end, std::int64_t step) {
  if (step > 0) return {clamped(start, d, 0, d), clamped(end, d, 0, d), step};
  return {clamped(start, d, 0, d - 1), clamped(end, d, -1, d - 1), step};
}

std::int64_t count_of(const Range& r) {
  const std::int64_t distance = r.step > 0 ? r.end - r.start : r.start - r.end;
  const std::int64_t stride = r.step > 0 ? r.step : -r.step;
  return distance <= 0 ? 0 : (distance - 1) / stride + 1;
}

Dim slice_length(InferCtx& ctx, Dim d, Dim start, Dim end, Dim step) {
  if (!step.is_value() || d.is_unknown() || start.is_unknown() || end.is_unknown()) return Dim();
  if (step.is(0)) ctx.fail("a step is 0");
  if (step.value() == std::numeric_limits<std::int64_t>::min()) return Dim();
  if (d.is_value() && start.is_value() && end.is_value()) {
    if (d.value() == 0) return Dim(0);
    return Dim(count_of(clamp_range(d.value(), start.value(), end.value(), step.value())));
  }
  if (step.value() > 0) return forward_length(ctx, d, start, end, step.value());
  const bool whole = start.is_value() && (start.is(-1) || start.value() >= kFar) && end.is_value() && end.value() <= -kFar;
  return whole ? ctx.symbols().ceil_div(d, Dim(-step.value())) : Dim();
}

struct SliceArgs {
  std::optional<Elements> starts, ends, axes, steps;
  bool has_axes = false, has_steps = false;
};

SliceArgs slice_args(const InferCtx& ctx) {
  SliceArgs a;
  if (ctx.since() < 10) {
    const auto list = [&](std::string_view name) -> std::optional<Elements> {
      const Ints* v = ctx.attr_ptr<Ints>(name);
      return v ? std::optional(Elements(v->begin(), v->end())) : std::nullopt;
    };
    a.starts = list("starts");
    a.ends = list("ends");
    a.axes = list("axes");
    a.has_axes = a.axes.has_value();
    return a;
  }
  a.starts = ctx.known(1);
  a.ends = ctx.known(2);
  a.axes = ctx.known(3);
  a.steps = ctx.known(4);
  a.has_axes = ctx.has_input(3);
  a.has_steps = ctx.has_input(4);
  return a;
}

// Number of sliced axes: as many as any of the lists is long; nullopt: not known.
std::optional<std::size_t> slice_count(const InferCtx& ctx, const SliceArgs& a) {
  for (const std::optional<Elements>* list : {&a.starts, &a.ends, &a.axes})
    if (*list) return (*list)->size();
  for (const std::size_t i : {1, 2, 3}) {
    const Shape* s = ctx.input_shape(i);
    if (s && s->size() == 1 && (*s)[0].is_value()) return static_cast<std::size_t>((*s)[0].value());
  }
  return std::nullopt;
}

void slice_known(InferCtx& ctx, const SliceArgs& a, std::size_t rank) {
  if (rank != 1 || !a.starts || !a.ends || a.starts->size() != 1 || a.ends->size() != 1 || (a.has_steps && !a.steps)) return;
  const Dim start = (*a.starts)[0], end = (*a.ends)[0], step = a.steps ? (*a.steps)[0] : Dim(1);
  const std::optional<Elements> e = ctx.known(0);
  if (!e || e->empty() || !start.is_value() || !end.is_value() || !step.is_value() || step.is(0) || step.value() < -kFar || step.value() > kFar)
    return;
  const Range r = clamp_range(static_cast<std::int64_t>(e->size()), start.value(), end.value(), step.value());
  Elements out;
  for (std::int64_t i = 0, at = r.start; i < count_of(r); ++i, at += r.step) out.push_back((*e)[static_cast<std::size_t>(at)]);
  ctx.set_known(0, std::move(out));
}

}  // namespace

void slice(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* in = ctx.input_shape(0);
  if (!in) return ctx.set_tensor(0, t, std::nullopt);
  const SliceArgs a = slice_args(ctx);
  const std::optional<std::size_t> count = slice_count(ctx, a);
  const bool axes_known = !a.has_axes || (a.axes && std::all_of(a.axes->begin(), a.axes->end(), [](const Dim& d) { return d.is_value(); }));
  if (!count || !axes_known) return ctx.set_tensor(0, t, Shape(in->size()));
  if (*count > in->size()) ctx.fail(fmt::format("{} axes are sliced, the rank is {}", *count, in->size()));
  for (const std::optional<Elements>* list : {&a.starts, &a.ends, &a.axes, &a.steps})
    if (*list && (*list)->size() != *count) ctx.fail("starts, ends, axes and steps have different lengths");
  Shape out = *in;
  for (std::size_t k = 0; k < *count; ++k) {
    const std::int64_t named = a.axes ? (*a.axes)[k].value() : static_cast<std::int64_t>(k);
    const auto axis = static_cast<std::size_t>(normalize_axis(ctx, named, static_cast<std::int64_t>(in->size())));
    const Dim step = a.has_steps ? (a.steps ? (*a.steps)[k] : Dim()) : Dim(1);
    out[axis] = slice_length(ctx, out[axis], a.starts ? (*a.starts)[k] : Dim(), a.ends ? (*a.ends)[k] : Dim(), step);
  }
  ctx.set_tensor(0, t, std::move(out));
  if (*count == 1) slice_known(ctx, a, in->size());
}

// Files exist that mix scalars and lists of dims. Nothing runs them, but what they mean is plain: where errors are forgiven a scalar is a list of
// one.
bool concat_of_scalars(InferCtx& ctx, DType t) {
  if (!ctx.driver() || !ctx.driver()->lenient() || !is_integer(t) || ctx.attr_or<std::int64_t>("axis", 1) != 0) return false;
  Elements e;
  for (std::size_t i = 0; i < ctx.num_inputs(); ++i) {
    const Shape* s = ctx.input_shape(i);
    if (!s || s->size() > 1 || (s->size() == 1 && !(*s)[0].is_value())) return false;
    const auto count = static_cast<std::size_t>(s->empty() ? 1 : (*s)[0].value());
    if (e.size() + count > kMaxKnown) return false;
    const std::optional<Elements> part = ctx.known(i);
    if (part) e.insert(e.end(), part->begin(), part->end());
    else e.resize(e.size() + count);
  }
  ctx.set_tensor(0, t, Shape{Dim(static_cast<std::int64_t>(e.size()))});
  ctx.set_known(0, std::move(e));
  return true;
}

void concat(InferCtx& ctx) {
  DType t = DType::undefined;
  const Shape* first = nullptr;
  bool all_known_ranks = true;
  for (std::size_t i = 0; i < ctx.num_inputs(); ++i) {
    if (t == DType::undefined) t = ctx.input_dtype(i);
    const Shape* s = ctx.input_shape(i);
    if (!s) all_known_ranks = false;
    if (s && !first) first = s;
  }
  if (!first) return ctx.set_tensor(0, t, std::nullopt);
  const auto rank = static_cast<std::int64_t>(first->size());
  const auto axis = static_cast<std::size_t>(normalize_axis(ctx, ctx.attr_or<std::int64_t>("axis", 1), rank));
  Shape out(first->size());
  Dim sum(0);
  for (std::size_t i = 0; i < ctx.num_inputs(); ++i) {
    const Shape* s = ctx.input_shape(i);
    if (!s) continue;
    if (s->size() != first->size()) {
      if (concat_of_scalars(ctx, t)) return;
      ctx.fail(fmt::format("inputs of rank {} and {}", first->size(), s->size()));
    }
    for (std::size_t k = 0; k < out.size(); ++k)
      if (k != axis) out[k] = equal_dim(ctx, out[k], (*s)[k]);
    sum = ctx.symbols().add(sum, (*s)[axis]);
  }
  out[axis] = all_known_ranks ? sum : Dim();
  ctx.set_tensor(0, t, std::move(out));
  if (rank != 1 || !all_known_ranks || !sum.is_value() || sum.value() > static_cast<std::int64_t>(kMaxKnown)) return;
  if (t == DType::undefined || !(is_integer(t) || t == DType::boolean)) return;
  Elements e;
  for (std::size_t i = 0; i < ctx.num_inputs(); ++i) {
    const std::optional<Elements> part = ctx.known(i);
    if (part) e.insert(e.end(), part->begin(), part->end());
    else e.resize(e.size() + static_cast<std::size_t>((*ctx.input_shape(i))[0].value()));
  }
  ctx.set_known(0, std::move(e));
}

// Length of part `i` of `parts` where each but the last takes `chunk`, as far as there is something left: 5 in 4 parts are 2, 2, 1, 0.
Dim uneven_part(SymbolTable& symbols, Dim d, Dim chunk, std::int64_t i, std::int64_t parts) {
  if (same(symbols.mul(chunk, Dim(parts)), d) || i == 0) return chunk;
  const Dim left = symbols.sub(d, symbols.mul(chunk, Dim(i)));
  return parts == 2 ? left : symbols.min(chunk, symbols.max(Dim(0), left));
}

// Sizes from the attribute (before 13) or the input; else equal parts, where from 18 on the last ones may be smaller.
void split(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const std::size_t count = ctx.num_outputs();
  const Shape* in = ctx.input_shape(0);
  if (!in) {
    for (std::size_t i = 0; i < count; ++i) ctx.set_tensor(i, t, std::nullopt);
    return;
  }
  const auto axis = static_cast<std::size_t>(normalize_axis(ctx, ctx.attr_or<std::int64_t>("axis", 0), static_cast<std::int64_t>(in->size())));
  const Dim d = (*in)[axis];
  std::optional<Elements> sizes;
  const bool from_input = ctx.has_input(1);
  if (from_input) {
    sizes = ctx.known(1);
  } else if (const Ints* list = ctx.attr_ptr<Ints>("split")) {
    sizes = Elements(list->begin(), list->end());
  }
  if (sizes && sizes->size() < count) ctx.fail(fmt::format("{} sizes for {} outputs", sizes->size(), count));
  if (sizes && sizes->size() == count && d.is_value()) {
    Dim sum(0);
    for (const Dim& s : *sizes) sum = ctx.symbols().add(sum, s);
    if (sum.is_value() && !same(sum, d)) ctx.fail(fmt::format("sizes add up to {}, the axis has {}", sum.value(), d.value()));
  }
  const std::optional<Elements> known = in->size() == 1 ? ctx.known(0) : std::nullopt;
  std::size_t at = 0;
  const auto parts = static_cast<std::int64_t>(std::max<std::int64_t>(ctx.attr_or<std::int64_t>("num_outputs", static_cast<std::int64_t>(count)), 1));
  const bool uneven = ctx.since() >= 18;
  if (!uneven && !from_input && !sizes && d.is_value() && d.value() % parts != 0)
    ctx.fail(fmt::format("{} elements in {} equal parts", d.value(), parts));
  const Dim chunk = uneven ? ctx.symbols().ceil_div(d, Dim(parts)) : ctx.symbols().floor_div(d, Dim(parts));
  for (std::size_t i = 0; i < count; ++i) {
    Shape out = *in;
    if (sizes) out[axis] = (*sizes)[i];
    else if (from_input) out[axis] = Dim();
    else out[axis] = uneven ? uneven_part(ctx.symbols(), d, chunk, static_cast<std::int64_t>(i), parts) : chunk;
    const Dim length = out[axis];
    ctx.set_tensor(i, t, std::move(out));
    const bool inside = known && length.is_value() && length.value() >= 0 && at + static_cast<std::size_t>(length.value()) <= known->size();
    if (!inside) {
      at = kMaxKnown + 1;  // where later parts start is not known
      continue;
    }
    const auto first = known->begin() + static_cast<std::ptrdiff_t>(at);
    ctx.set_known(i, Elements(first, first + static_cast<std::ptrdiff_t>(length.value())));
    at += static_cast<std::size_t>(length.value());
  }
}

void pad(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* in = ctx.input_shape(0);
  if (!in) return ctx.set_tensor(0, t, std::nullopt);
  std::optional<Elements> pads;
  if (ctx.since() >= 11) {
    pads = ctx.known(1);
  } else if (const Ints* list = ctx.attr_ptr<Ints>(ctx.since() == 1 ? "paddings" : "pads")) {
    pads = Elements(list->begin(), list->end());
  }
  const IntList axes = ints_of(ctx, "", 3);
  Shape out(in->size());
  if (axes.present && !axes.values) return ctx.set_tensor(0, t, std::move(out));
  Ints named;
  if (axes.present) named = normalize_axes(ctx, *axes.values, static_cast<std::int64_t>(in->size()));
  else
    for (std::size_t i = 0; i < in->size(); ++i) named.push_back(static_cast<std::int64_t>(i));
  if (pads && pads->size() != 2 * named.size()) ctx.fail(fmt::format("{} pads for {} axes", pads->size(), named.size()));
  out = *in;
  for (std::size_t k = 0; k < named.size(); ++k) {
    Dim& d = out[static_cast<std::size_t>(named[k])];
    d = pads ? ctx.symbols().add(d, ctx.symbols().add((*pads)[k], (*pads)[k + named.size()])) : Dim();
  }
  ctx.set_tensor(0, t, std::move(out));
}

void center_crop_pad(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* in = ctx.input_shape(0);
  if (!in) return ctx.set_tensor(0, t, std::nullopt);
  const std::optional<Elements> target = ctx.known(1);
  const Ints* axes = ctx.attr_ptr<Ints>("axes");
  Ints named;
  if (axes) named = normalize_axes(ctx, *axes, static_cast<std::int64_t>(in->size()));
  else
    for (std::size_t i = 0; i < in->size(); ++i) named.push_back(static_cast<std::int64_t>(i));
  if (target && target->size() != named.size()) ctx.fail(fmt::format("{} sizes for {} axes", target->size(), named.size()));
  Shape out = *in;
  for (std::size_t k = 0; k < named.size(); ++k) out[static_cast<std::size_t>(named[k])] = target ? (*target)[k] : Dim();
  ctx.set_tensor(0, t, std::move(out));
}

}  // namespace onnxopt::infer_fn
