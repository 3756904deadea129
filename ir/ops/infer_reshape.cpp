// Operators that give the same elements another shape: Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Expand, Tile; and Shape, Size.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

using Elements = std::vector<Dim>;

void pass_known(InferCtx& ctx) {
  if (!ctx.has_known(0)) return;
  if (std::optional<Elements> e = ctx.known(0)) ctx.set_known(0, std::move(*e));
}

// The requested shape of a node: elements of input `i`, or as many unknown ones as that input is long.
std::optional<Elements> target_shape(const InferCtx& ctx, std::size_t i) {
  if (std::optional<Elements> e = ctx.known(i)) return e;
  const Shape* s = ctx.input_shape(i);
  if (!s || s->size() != 1 || !(*s)[0].is_value() || (*s)[0].value() < 0 || (*s)[0].value() > static_cast<std::int64_t>(kMaxKnown))
    return std::nullopt;
  return Elements(static_cast<std::size_t>((*s)[0].value()));
}

// A computed element that is 0 at run time copies the input's dim. That is 0 as well, or the element is never 0, or there is no such dim to copy.
bool copies_when_zero(InferCtx& ctx, const Shape* in, std::size_t i, Dim element) {
  SymbolTable& symbols = ctx.symbols();
  if (symbols.lower_bound(element).value_or(0) >= 1) return true;
  if (!in) return false;
  if (i >= in->size() || same((*in)[i], element) || (*in)[i].is(0)) return true;
  const auto divides = [&](Dim a, Dim b) { return symbols.provably_equal(symbols.mul(symbols.floor_div(b, a), a), b); };
  return divides(element, (*in)[i]) || (divides((*in)[i], element) && symbols.floor_div(element, (*in)[i]).is_value());
}

// Conservative: names of functions count as symbols.
std::vector<std::string> names_in(const std::string& text) {
  std::vector<std::string> names(1);
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') names.back() += c;
    else if (!names.back().empty()) names.emplace_back();
  }
  return names;
}
bool share_symbols(const SymbolTable& symbols, Dim a, Dim b) {
  const std::vector<std::string> x = names_in(symbols.to_string(a)), y = names_in(symbols.to_string(b));
  return std::any_of(x.begin(), x.end(), [&](const std::string& n) {
    return !n.empty() && !std::isdigit(static_cast<unsigned char>(n[0])) && std::find(y.begin(), y.end(), n) != y.end();
  });
}

}  // namespace

void shape(InferCtx& ctx) {
  const Shape* s = ctx.input_shape(0);
  if (!s) return ctx.set_tensor(0, DType::int64, Shape{Dim()});
  const auto rank = static_cast<std::int64_t>(s->size());
  const auto clamp = [&](std::int64_t v) { return std::clamp<std::int64_t>(v < 0 ? v + rank : v, 0, rank); };
  const std::int64_t start = clamp(ctx.attr_or<std::int64_t>("start", 0)), end = clamp(ctx.attr_or<std::int64_t>("end", rank));
  Elements e;
  for (std::int64_t i = start; i < end; ++i) e.push_back((*s)[static_cast<std::size_t>(i)]);
  set_vector(ctx, 0, DType::int64, std::move(e));
}

void size(InferCtx& ctx) {
  ctx.set_tensor(0, DType::int64, Shape{});
  if (const Shape* s = ctx.input_shape(0)) ctx.set_known(0, {product(ctx, *s)});
}

// 0 copies the input's dim (unless allowzero), -1 or a single unknown element takes what the other dims leave. A computed element may be 0 at run
// time, where it is copied too.
void reshape(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  std::optional<Elements> target;
  if (ctx.since() >= 5) {
    target = target_shape(ctx, 1);
  } else if (const Ints* list = ctx.attr_ptr<Ints>("shape")) {
    target = Elements(list->begin(), list->end());
  }
  if (!target) return ctx.set_tensor(0, t, std::nullopt);
  const Shape* in = ctx.input_shape(0);
  const bool copy_zero = ctx.attr_or<std::int64_t>("allowzero", 0) == 0;
  Shape out = *target;
  std::size_t open = 0, open_at = 0;
  Dim left_open;  // the element there: -1, one that may be 0, or unknown
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i].is(0) && copy_zero) {
      if (in && i >= in->size()) ctx.fail(fmt::format("shape element {} is 0 but the input has rank {}", i, in->size()));
      out[i] = in ? (*in)[i] : Dim();
      if (in && !(*in)[i].is_unknown()) continue;
    }
    Dim computed = Dim();
    if (copy_zero && out[i].is_symbolic() && !copies_when_zero(ctx, in, i, out[i])) std::swap(computed, out[i]);
    if (out[i].is_value() && out[i].value() < -1) ctx.fail(fmt::format("shape element {} is {}", i, out[i].value()));
    if (!out[i].is(-1) && !out[i].is_unknown()) continue;
    out[i] = Dim();
    ++open;
    open_at = i;
    left_open = (*target)[i].is(-1) ? Dim(-1) : computed;
  }
  if (in && open == 1) {
    Dim rest(1);
    for (std::size_t i = 0; i < out.size(); ++i)
      if (i != open_at) rest = ctx.symbols().mul(rest, out[i]);
    const Dim total = product(ctx, *in);
    if (total.is_value() && rest.is_value() && rest.value() != 0 && total.value() % rest.value() != 0)
      ctx.fail(fmt::format("{} elements cannot be reshaped to groups of {}", total.value(), rest.value()));
    // Where the others leave nothing to divide, -1 is an error, and another element is what it is at run time: then it must be one that is not 0
    // together with them for one reason (two independent dims that are 0 at once are not looked for).
    const bool known = ctx.symbols().lower_bound(rest).value_or(0) >= 1 || left_open.is(-1) ||
                       (left_open.is_symbolic() && !share_symbols(ctx.symbols(), left_open, rest));
    if (known) out[open_at] = ctx.symbols().floor_div(total, rest);
  } else if (in && open == 0) {
    const Dim before = product(ctx, *in), after = product(ctx, out);
    if (before.is_value() && after.is_value() && before.value() != after.value())
      ctx.fail(fmt::format("{} elements cannot be reshaped to {}", before.value(), after.value()));
  }
  const bool to_vector = out.size() <= 1;
  ctx.set_tensor(0, t, std::move(out));
  if (ctx.has_known(0)) return pass_known(ctx);
  if (!to_vector || !in || in->size() < 2 || !is_integer(t)) return;
  if (std::optional<Elements> e = moved_elements(*ctx.node().input(0))) ctx.set_known(0, std::move(*e));
}

void flatten(InferCtx& ctx) {
  const Shape* in = ctx.input_shape(0);
  if (!in) return ctx.set_tensor(0, ctx.input_dtype(0), Shape(2));
  const auto axis = static_cast<std::size_t>(normalize_axis(ctx, ctx.attr_or<std::int64_t>("axis", 1), static_cast<std::int64_t>(in->size()),
                                                            ctx.attr_or<std::int64_t>("axis", 1) >= 0 ? 1 : 0));
  const std::span<const Dim> dims(*in);
  ctx.set_tensor(0, ctx.input_dtype(0), Shape{product(ctx, dims.first(axis)), product(ctx, dims.subspan(axis))});
}

void squeeze(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* in = ctx.input_shape(0);
  const IntList axes = ints_of(ctx, "axes", ctx.since() >= 13 ? 1 : -1);
  if (!in || (axes.present && !axes.values)) {
    if (in && ctx.input_shape(1) && ctx.input_shape(1)->size() == 1 && (*ctx.input_shape(1))[0].is_value()) {
      const std::int64_t rank = static_cast<std::int64_t>(in->size()) - (*ctx.input_shape(1))[0].value();
      if (rank >= 0) return ctx.set_tensor(0, t, Shape(static_cast<std::size_t>(rank)));
    }
    return ctx.set_tensor(0, t, std::nullopt);
  }
  std::vector<bool> drop(in->size(), false);
  // Runtimes take a scalar for a vector of one element here: exporters squeeze the counter of a Loop.
  const bool scalar =
      in->empty() && axes.present && std::all_of(axes.values->begin(), axes.values->end(), [](std::int64_t a) { return a == 0 || a == -1; });
  if (axes.present && !scalar) {
    for (const std::int64_t a : normalize_axes(ctx, *axes.values, static_cast<std::int64_t>(in->size()))) {
      const Dim d = (*in)[static_cast<std::size_t>(a)];
      if (d.is_value() && !d.is(1)) ctx.fail(fmt::format("axis {} has {} elements and cannot be removed", a, d.value()));
      drop[static_cast<std::size_t>(a)] = true;
    }
  } else if (!axes.present) {
    for (std::size_t i = 0; i < in->size(); ++i) {
      const Dim d = (*in)[i];
      if (!d.is_value() && ctx.symbols().lower_bound(d).value_or(0) <= 1) return ctx.set_tensor(0, t, std::nullopt);  // may be 1
      drop[i] = d.is(1);
    }
  }
  Shape out;
  for (std::size_t i = 0; i < in->size(); ++i)
    if (!drop[i]) out.push_back((*in)[i]);
  ctx.set_tensor(0, t, std::move(out));
  pass_known(ctx);
}

void unsqueeze(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* in = ctx.input_shape(0);
  const IntList axes = ints_of(ctx, "axes", ctx.since() >= 13 ? 1 : -1);
  if (!axes.present && ctx.since() < 13) ctx.fail("attribute axes is missing");
  if (!in) return ctx.set_tensor(0, t, std::nullopt);
  if (!axes.values) {
    const Shape* count = ctx.input_shape(1);
    if (!count || count->size() > 1 || (count->size() == 1 && !(*count)[0].is_value())) return ctx.set_tensor(0, t, std::nullopt);
    const std::int64_t added = count->empty() ? 1 : std::min<std::int64_t>((*count)[0].value(), 64);
    return ctx.set_tensor(0, t, Shape(in->size() + static_cast<std::size_t>(added)));
  }
  const std::size_t rank = in->size() + axes.values->size();
  std::vector<bool> added(rank, false);
  for (const std::int64_t a : normalize_axes(ctx, *axes.values, static_cast<std::int64_t>(rank))) {
    if (added[static_cast<std::size_t>(a)]) ctx.fail(fmt::format("axis {} is named twice", a));
    added[static_cast<std::size_t>(a)] = true;
  }
  Shape out;
  out.reserve(rank);
  for (std::size_t i = 0, next = 0; i < rank; ++i) out.push_back(added[i] ? Dim(1) : (*in)[next++]);
  ctx.set_tensor(0, t, std::move(out));
  pass_known(ctx);
}

void transpose(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* in = ctx.input_shape(0);
  const Ints* perm = ctx.attr_ptr<Ints>("perm");
  if (!in) return ctx.set_tensor(0, t, perm ? OptShape(Shape(perm->size())) : std::nullopt);
  Shape out(in->size());
  if (!perm) {
    std::reverse_copy(in->begin(), in->end(), out.begin());
  } else {
    if (perm->size() != in->size()) ctx.fail(fmt::format("perm has {} entries for rank {}", perm->size(), in->size()));
    std::vector<bool> seen(in->size(), false);
    for (std::size_t i = 0; i < perm->size(); ++i) {
      const std::int64_t p = (*perm)[i];
      if (p < 0 || p >= static_cast<std::int64_t>(in->size()) || seen[static_cast<std::size_t>(p)]) ctx.fail("perm is not a permutation");
      seen[static_cast<std::size_t>(p)] = true;
      out[i] = (*in)[static_cast<std::size_t>(p)];
    }
  }
  ctx.set_tensor(0, t, std::move(out));
  pass_known(ctx);
}

void expand(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* in = ctx.input_shape(0);
  const std::optional<Elements> target = target_shape(ctx, 1);
  if (!in || !target) return ctx.set_tensor(0, t, std::nullopt);
  ctx.set_tensor(0, t, broadcast(ctx, *in, *target));
  const std::optional<Elements> known = ctx.known(0);
  if (!known || target->size() > 1) return;
  const Dim count = known->size() == 1 && target->size() == 1 ? (*target)[0] : Dim(static_cast<std::int64_t>(known->size()));
  if (!count.is_value() || count.value() < 0 || count.value() > static_cast<std::int64_t>(kMaxKnown)) return;
  if (known->size() == 1) ctx.set_known(0, Elements(static_cast<std::size_t>(count.value()), (*known)[0]));
  else ctx.set_known(0, *known);
}

// From opset 6 `repeats` counts for every axis; before, `tiles` and `axis` name one.
void tile(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* in = ctx.input_shape(0);
  if (!in) return ctx.set_tensor(0, t, std::nullopt);
  Shape out(in->size());
  const std::optional<Elements> repeats = ctx.known(1);
  if (ctx.since() >= 6) {
    if (repeats && repeats->size() != in->size()) ctx.fail(fmt::format("{} repeats for rank {}", repeats->size(), in->size()));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = repeats ? ctx.symbols().mul((*in)[i], (*repeats)[i]) : Dim();
  } else if (const std::optional<Ints> tiles = ctx.known_ints(1), axis = ctx.known_ints(2);
             tiles && axis && tiles->size() == 1 && axis->size() == 1) {
    out = *in;
    Dim& d = out[static_cast<std::size_t>(normalize_axis(ctx, (*axis)[0], static_cast<std::int64_t>(in->size())))];
    d = ctx.symbols().mul(d, Dim((*tiles)[0]));
  }
  ctx.set_tensor(0, t, std::move(out));
  const std::optional<Elements> known = ctx.known(0);
  if (!known || in->size() != 1 || !repeats || repeats->size() != 1 || !(*repeats)[0].is_value()) return;
  const std::int64_t times = (*repeats)[0].value();
  if (times < 0 || (times > 0 && known->size() > kMaxKnown / static_cast<std::size_t>(std::min<std::int64_t>(times, kMaxKnown + 1)))) return;
  Elements e;
  for (std::int64_t i = 0; i < times; ++i) e.insert(e.end(), known->begin(), known->end());
  ctx.set_known(0, std::move(e));
}

}  // namespace onnxopt::infer_fn
