// Elementwise operators: unary, broadcasting, casts. Known integer elements are computed along.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

using Elements = std::vector<Dim>;
using Combine = Dim (*)(InferCtx&, Dim, Dim);

Dim add(InferCtx& ctx, Dim a, Dim b) { return ctx.symbols().add(a, b); }
Dim sub(InferCtx& ctx, Dim a, Dim b) { return ctx.symbols().sub(a, b); }
Dim mul(InferCtx& ctx, Dim a, Dim b) { return ctx.symbols().mul(a, b); }

bool not_negative(InferCtx& ctx, Dim d) { return ctx.symbols().lower_bound(d).value_or(-1) >= 0; }

// Integer Div truncates toward zero, which is floor where nothing is negative.
Dim div(InferCtx& ctx, Dim a, Dim b) {
  if (a.is_value() && b.is_value()) {
    if (b.value() == 0 || (b.value() == -1 && a.value() == std::numeric_limits<std::int64_t>::min())) return Dim();
    return Dim(a.value() / b.value());
  }
  return not_negative(ctx, a) && not_negative(ctx, b) ? ctx.symbols().floor_div(a, b) : Dim();
}

Dim mod(InferCtx& ctx, Dim a, Dim b) {
  const bool c_sign = ctx.attr_or<std::int64_t>("fmod", 0) != 0;
  if (c_sign && (!not_negative(ctx, a) || !not_negative(ctx, b))) return Dim();
  return ctx.symbols().mod(a, b);
}

Dim min(InferCtx& ctx, Dim a, Dim b) { return ctx.symbols().min(a, b); }
Dim max(InferCtx& ctx, Dim a, Dim b) { return ctx.symbols().max(a, b); }

Dim power(InferCtx& ctx, Dim a, Dim b) {
  if (!b.is_value() || b.value() < 0 || b.value() > 8) return Dim();
  Dim r(1);
  for (std::int64_t i = 0; i < b.value(); ++i) r = ctx.symbols().mul(r, a);
  return r;
}

Dim truth(std::optional<bool> b) { return b ? Dim(*b ? 1 : 0) : Dim(); }

std::optional<bool> greater_equal(InferCtx& ctx, Dim a, Dim b) {
  if (ctx.symbols().provably_ge(a, b)) return true;
  if (ctx.symbols().provably_ge(b, ctx.symbols().add(a, Dim(1)))) return false;
  return std::nullopt;
}

Dim equal(InferCtx& ctx, Dim a, Dim b) {
  if (a.is_unknown() || b.is_unknown()) return Dim();
  if (same(a, b)) return Dim(1);
  const Dim one(1);
  SymbolTable& s = ctx.symbols();
  const bool differ = s.provably_ge(a, s.add(b, one)) || s.provably_ge(b, s.add(a, one));
  return differ ? Dim(0) : Dim();
}

Dim negate(Dim d) { return d.is_value() ? Dim(1 - d.value()) : Dim(); }
Dim ge(InferCtx& ctx, Dim a, Dim b) { return truth(greater_equal(ctx, a, b)); }
Dim le(InferCtx& ctx, Dim a, Dim b) { return truth(greater_equal(ctx, b, a)); }
Dim gt(InferCtx& ctx, Dim a, Dim b) { return negate(le(ctx, a, b)); }
Dim lt(InferCtx& ctx, Dim a, Dim b) { return negate(ge(ctx, a, b)); }

Dim both(InferCtx&, Dim a, Dim b) {
  if (a.is(0) || b.is(0)) return Dim(0);
  return a.is_value() && b.is_value() ? Dim(1) : Dim();
}
Dim either(InferCtx&, Dim a, Dim b) {
  if ((a.is_value() && !a.is(0)) || (b.is_value() && !b.is(0))) return Dim(1);
  return a.is_value() && b.is_value() ? Dim(0) : Dim();
}

struct NamedCombine {
  std::string_view op;
  Combine combine;
};
constexpr NamedCombine kCombines[] = {
    {"Add", add},   {"Sub", sub},     {"Mul", mul},           {"Div", div},        {"Mod", mod},    {"Min", min}, {"Max", max},  {"Sum", add},
    {"Pow", power}, {"Equal", equal}, {"GreaterOrEqual", ge}, {"LessOrEqual", le}, {"Greater", gt}, {"Less", lt}, {"And", both}, {"Or", either},
};

Combine combine_of(std::string_view op) {
  for (const NamedCombine& c : kCombines)
    if (c.op == op) return c.combine;
  return nullptr;
}

// Elements broadcast to `count`; empty if that is not possible.
Elements broadcast_elements(const Elements& e, std::size_t count) {
  if (e.size() == count) return e;
  return e.size() == 1 ? Elements(count, e[0]) : Elements();
}

std::optional<Elements> combine_elements(InferCtx& ctx, Combine combine, const Elements& a, const Elements& b) {
  const std::size_t count = a.size() == 1 ? b.size() : a.size();
  const Elements x = broadcast_elements(a, count), y = broadcast_elements(b, count);
  if (x.size() != count || y.size() != count) return std::nullopt;
  Elements r(count);
  for (std::size_t i = 0; i < count; ++i) r[i] = combine(ctx, x[i], y[i]);
  return r;
}

// What does not fit the element type wrapped around at run time.
void set_fitting(InferCtx& ctx, Elements e) {
  const DType t = ctx.node().output(0) ? ctx.node().output(0)->type.dtype : DType::undefined;
  for (Dim& d : e)
    if (d.is_value() ? !fits(t, d.value()) : (t != DType::int64 && t != DType::int32 && d.is_symbolic())) d = Dim();
  ctx.set_known(0, std::move(e));
}

void combine_known(InferCtx& ctx) {
  if (ctx.num_inputs() < 2 || !ctx.has_known(0) || !ctx.has_known(1)) return;
  const Combine combine = combine_of(ctx.node().op().name);
  if (combine == nullptr) return;
  std::optional<Elements> r = ctx.known(0);
  for (std::size_t i = 1; i < ctx.num_inputs() && r; ++i) {
    const std::optional<Elements> next = ctx.known(i);
    if (!next) return;
    r = combine_elements(ctx, combine, *r, *next);
  }
  if (r) set_fitting(ctx, std::move(*r));
}

// Before opset 7 the second operand broadcasts to the first one's shape, where the attribute allows it.
OptShape binary_shape(InferCtx& ctx) {
  if (ctx.node().op().find_attr("broadcast") != nullptr) return copy_shape(ctx, 0);
  return broadcast_inputs(ctx, 0, 2);
}

DType first_dtype(const InferCtx& ctx, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (ctx.input_dtype(i) != DType::undefined) return ctx.input_dtype(i);
  return DType::undefined;
}

}  // namespace

void same_as_first(InferCtx& ctx) {
  ctx.set(0, ctx.input(0));
  if (std::optional<Elements> e = ctx.known(0)) ctx.set_known(0, std::move(*e));
}

void same_type(InferCtx& ctx) { ctx.set(0, ctx.input(0)); }

void unary(InferCtx& ctx) {
  ctx.set_tensor(0, schema_dtype(ctx, 0), copy_shape(ctx, 0));
  if (!ctx.has_known(0)) return;
  const std::string_view op = ctx.node().op().name;
  if (op != "Neg" && op != "Abs") return;
  std::optional<Elements> e = ctx.known(0);
  for (Dim& d : *e) {
    const bool flip = op == "Neg" || (d.is_value() && d.value() < 0);
    if (flip) d = ctx.symbols().mul(d, Dim(-1));
    else if (!not_negative(ctx, d)) d = Dim();
  }
  set_fitting(ctx, std::move(*e));
}

void arithmetic(InferCtx& ctx) {
  const bool own_type = ctx.node().op().name == "Pow" || ctx.node().op().name == "BitShift";  // Pow: the exponent has a type of its own
  ctx.set_tensor(0, own_type ? ctx.input_dtype(0) : first_dtype(ctx, 2), binary_shape(ctx));
  combine_known(ctx);
}

void comparison(InferCtx& ctx) {
  ctx.set_tensor(0, DType::boolean, binary_shape(ctx));
  combine_known(ctx);
}

void variadic(InferCtx& ctx) {
  const bool broadcasts = ctx.since() >= 8;  // before, all shapes are equal
  OptShape s;
  if (broadcasts) {
    s = broadcast_inputs(ctx, 0, ctx.num_inputs());
  } else {
    for (std::size_t i = 0; i < ctx.num_inputs() && !s; ++i) s = copy_shape(ctx, i);
  }
  ctx.set_tensor(0, first_dtype(ctx, ctx.num_inputs()), std::move(s));
  if (ctx.num_inputs() == 1 && ctx.has_known(0)) return ctx.set_known(0, *ctx.known(0));
  combine_known(ctx);
}

void where(InferCtx& ctx) {
  const DType t = ctx.input_dtype(1) != DType::undefined ? ctx.input_dtype(1) : ctx.input_dtype(2);
  ctx.set_tensor(0, t, broadcast_inputs(ctx, 0, 3));
  if (!ctx.has_known(1) || !ctx.has_known(2)) return;
  const Elements a = *ctx.known(1), b = *ctx.known(2);
  const std::optional<Elements> cond = ctx.known(0);
  const std::size_t count = std::max({a.size(), b.size(), cond ? cond->size() : 1});
  const Elements x = broadcast_elements(a, count), y = broadcast_elements(b, count), c = cond ? broadcast_elements(*cond, count) : Elements(count);
  if (x.size() != count || y.size() != count || c.size() != count) return;
  Elements r(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (c[i].is_value()) r[i] = c[i].is(0) ? y[i] : x[i];
    else if (same(x[i], y[i])) r[i] = x[i];
  }
  ctx.set_known(0, std::move(r));
}

void cast(InferCtx& ctx) {
  DType to = DType::undefined;
  if (const std::string* name = ctx.attr_ptr<std::string>("to")) {  // opset 1 spells the type
    to = dtype_from_enumerator(*name);
  } else {
    const auto number = ctx.attr<std::int64_t>("to");
    if (!is_known_dtype(number) || number == 0) ctx.fail("attribute to is no element type");
    to = static_cast<DType>(number);
  }
  ctx.set_tensor(0, to, copy_shape(ctx, 0));
  const Value* out = ctx.node().output(0);
  if (!out || !out->type.has_rank() || out->type.rank() > 1 || (!is_integer(to) && to != DType::boolean)) return;
  if (std::optional<Elements> e = ctx.known(0)) {
    if (to == DType::boolean) {
      for (Dim& d : *e) d = d.is_value() ? Dim(d.is(0) ? 0 : 1) : ctx.symbols().lower_bound(d).value_or(0) > 0 ? Dim(1) : Dim();
    }
    return set_fitting(ctx, std::move(*e));
  }
  const Value* in = ctx.node().input(0);
  if (!in || !is_float(in->type.dtype)) return;
  const std::optional<std::vector<double>> numbers = known_numbers(*in);
  if (!numbers) return;
  Elements e;
  for (const double v : *numbers) {
    const bool exact = std::abs(v) < 9.0e15;  // NaN fails too
    e.push_back(exact && to != DType::boolean ? Dim(static_cast<std::int64_t>(v)) : Dim());
  }
  set_fitting(ctx, std::move(e));
}

void cast_like(InferCtx& ctx) { ctx.set_tensor(0, ctx.input_dtype(1), copy_shape(ctx, 0)); }

void bit_cast(InferCtx& ctx) {
  const auto number = ctx.attr<std::int64_t>("to");
  if (!is_known_dtype(number)) ctx.fail("attribute to is no element type");
  ctx.set_tensor(0, static_cast<DType>(number), copy_shape(ctx, 0));
}

void clip(InferCtx& ctx) {
  ctx.set(0, ctx.input(0));
  if (!ctx.has_known(0) || ctx.since() < 11) return;
  Elements e = *ctx.known(0);
  for (std::size_t i = 1; i <= 2; ++i) {
    if (!ctx.has_input(i)) continue;
    const std::optional<Elements> bound = ctx.known(i);
    if (!bound || bound->size() != 1) return;
    for (Dim& d : e) d = i == 1 ? ctx.symbols().max(d, (*bound)[0]) : ctx.symbols().min(d, (*bound)[0]);
  }
  ctx.set_known(0, std::move(e));
}

void prelu(InferCtx& ctx) { ctx.set_tensor(0, ctx.input_dtype(0), copy_shape(ctx, 0)); }

void dropout(InferCtx& ctx) {
  ctx.set(0, ctx.input(0));
  if (ctx.num_outputs() > 1) ctx.set_tensor(1, ctx.since() >= 10 ? DType::boolean : ctx.input_dtype(0), copy_shape(ctx, 0));
}

void logical_not(InferCtx& ctx) {
  ctx.set_tensor(0, DType::boolean, copy_shape(ctx, 0));
  if (!ctx.has_known(0)) return;
  Elements e = *ctx.known(0);
  for (Dim& d : e) d = negate(d);
  ctx.set_known(0, std::move(e));
}

}  // namespace onnxopt::infer_fn
