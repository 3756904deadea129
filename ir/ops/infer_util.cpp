#include "ir/ops/infer_util.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace onnxopt::infer_util {
namespace {

const ParamSpec* formal(std::span<const ParamSpec> params, std::size_t i) {
  if (i < params.size()) return &params[i];
  return !params.empty() && params.back().option == ParamOption::variadic ? &params.back() : nullptr;
}

// The type that a literal such as "tensor(int64)" or "seq(tensor(float))" names; unknown for maps and constraint names.
Type literal_type(std::string_view text) {
  const auto inside = [&](std::string_view head) -> std::optional<std::string_view> {
    if (!text.starts_with(head) || text.back() != ')') return std::nullopt;
    return text.substr(head.size(), text.size() - head.size() - 1);
  };
  if (const auto t = inside("tensor(")) return Type::tensor(dtype_from_name(*t));
  if (const auto t = inside("seq(")) return Type::sequence(literal_type(*t));
  if (const auto t = inside("optional(")) return Type::optional(literal_type(*t));
  return Type();
}

}  // namespace

DType schema_dtype(const InferCtx& ctx, std::size_t i) {
  const OpSchema& op = ctx.node().op();
  const ParamSpec* out = formal(op.outputs, i);
  if (!out) return DType::undefined;
  for (std::size_t k = 0; k < ctx.num_inputs(); ++k) {
    const ParamSpec* in = formal(op.inputs, k);
    if (in && in->types == out->types && ctx.input(k).is_tensor() && ctx.input(k).dtype != DType::undefined && in->homogeneous)
      return ctx.input(k).dtype;
  }
  for (const TypeConstraint& t : op.types) {
    if (t.name != out->types) continue;
    const bool single = t.tensor_dtypes != 0 && (t.tensor_dtypes & (t.tensor_dtypes - 1)) == 0 && t.others.empty();
    if (!single) return DType::undefined;
    for (int d = 0; d < kNumDTypes; ++d)
      if (t.tensor_dtypes == (std::uint64_t{1} << d)) return static_cast<DType>(d);
  }
  return literal_type(out->types).dtype;
}

void infer_from_schema(InferCtx& ctx) {
  const OpSchema& op = ctx.node().op();
  for (std::size_t i = 0; i < ctx.num_outputs(); ++i) {
    const ParamSpec* out = formal(op.outputs, i);
    if (!out) continue;
    const TypeConstraint* constraint = nullptr;
    for (const TypeConstraint& t : op.types)
      if (t.name == out->types) constraint = &t;
    if (!constraint) ctx.set(i, literal_type(out->types));
    else if (constraint->others.empty() && out->homogeneous) ctx.set_tensor(i, schema_dtype(ctx, i), std::nullopt);
    else if (constraint->tensor_dtypes == 0 && constraint->others.size() == 1) ctx.set(i, literal_type(constraint->others[0]));
  }
}

const Tensor* constant_tensor(const Value& value) {
  if (value.constant()) return value.constant();
  const Node* n = value.producer();
  return n && n->is("Constant") ? n->attrs().get<Tensor>("value") : nullptr;
}

OptShape copy_shape(const InferCtx& ctx, std::size_t i) {
  const Shape* s = ctx.input_shape(i);
  return s ? OptShape(*s) : std::nullopt;
}

std::int64_t normalize_axis(const InferCtx& ctx, std::int64_t axis, std::int64_t rank, std::int64_t extra) {
  const std::int64_t positions = rank + extra;
  const std::int64_t r = axis < 0 ? axis + positions : axis;
  if (r < 0 || r >= positions) ctx.fail(fmt::format("axis {} is out of range for rank {}", axis, rank));
  return r;
}

Ints normalize_axes(const InferCtx& ctx, const Ints& axes, std::int64_t rank) {
  Ints r;
  r.reserve(axes.size());
  for (const std::int64_t a : axes) r.push_back(normalize_axis(ctx, a, rank));
  return r;
}

// `b` is at most the symbol `a`, and is 1 where `a` is.
static bool never_exceeds(SymbolTable& s, Dim b, Dim a) {
  return s.provably_ge(a, b) && s.substitute(b, {{s.to_string(a), Dim(std::int64_t{1})}}).is(1);
}

Dim broadcast_dim(InferCtx& ctx, Dim a, Dim b) {
  if (a == b) return a;
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  if (a.is_value() && b.is_value()) ctx.fail(fmt::format("shapes do not broadcast: dims {} and {}", a.value(), b.value()));
  if (a.is_value()) return a;
  if (b.is_value()) return b;
  if (a.is_unknown() || b.is_unknown()) return Dim();
  SymbolTable& s = ctx.symbols();
  // A slice of a longer table to the sequence's length: where it is shorter it must be 1, so the sequence's length it is.
  if (s.is_min_of(b, a)) return a;
  if (s.is_min_of(a, b)) return b;
  if (s.lower_bound(a).value_or(0) > 1) return a;
  if (s.lower_bound(b).value_or(0) > 1) return b;
  // min(n, 512) with n, as a slice of a table gives it: they agree, or n is 1 and so is the other.
  if (never_exceeds(s, b, a)) return a;
  if (never_exceeds(s, a, b)) return b;
  return Dim();
}

Shape broadcast(InferCtx& ctx, const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  Shape r = longer;
  const std::size_t offset = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) r[offset + i] = broadcast_dim(ctx, longer[offset + i], shorter[i]);
  return r;
}

OptShape broadcast_inputs(InferCtx& ctx, std::size_t first, std::size_t count) {
  OptShape r;
  for (std::size_t i = first; i < first + count; ++i) {
    const Shape* s = ctx.input_shape(i);
    if (!s) return std::nullopt;
    r = r ? broadcast(ctx, *r, *s) : *s;
  }
  return r;
}

Dim equal_dim(InferCtx& ctx, Dim a, Dim b) {
  if (a == b || b.is_unknown()) return a;
  if (a.is_unknown()) return b;
  if (a.is_value() && b.is_value()) ctx.fail(fmt::format("dims {} and {} must be equal", a.value(), b.value()));
  if (a.is_value()) return a;
  if (b.is_value()) return b;
  return ctx.symbols().is_anonymous(a) ? b : a;
}

Type common_type(const Type& a, const Type& b) {
  if (a == b) return a;
  if (a.kind != b.kind) return Type();
  Type r;
  r.kind = a.kind;
  r.dtype = a.dtype == b.dtype ? a.dtype : DType::undefined;
  if (a.elem && b.elem) r.elem = std::make_shared<const Type>(common_type(*a.elem, *b.elem));
  if (a.shape && b.shape && a.shape->size() == b.shape->size()) {
    r.shape = *a.shape;
    for (std::size_t i = 0; i < a.shape->size(); ++i)
      if (!same((*a.shape)[i], (*b.shape)[i])) (*r.shape)[i] = Dim();
  }
  return r;
}

IntList ints_of(const InferCtx& ctx, std::string_view attribute, int input) {
  IntList r;
  if (input >= 0 && ctx.has_input(static_cast<std::size_t>(input))) {
    r.present = true;
    r.values = ctx.known_ints(static_cast<std::size_t>(input));
  } else if (const Ints* list = ctx.attr_ptr<Ints>(attribute)) {
    r.present = true;
    r.values = *list;
  }
  return r;
}

Dim product(InferCtx& ctx, std::span<const Dim> dims) {
  Dim r(1);
  for (const Dim& d : dims) r = ctx.symbols().mul(r, d);
  return r;
}

void set_vector(InferCtx& ctx, std::size_t output, DType t, std::vector<Dim> elements) {
  ctx.set_tensor(output, t, Shape{Dim(elements.size())});
  ctx.set_known(output, std::move(elements));
}

bool fits(DType t, std::int64_t value) {
  const auto within = [&](std::int64_t low, std::int64_t high) { return value >= low && value <= high; };
  switch (t) {
    case DType::int64: return true;
    case DType::uint64: return value >= 0;
    case DType::int32: return within(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
    case DType::uint32: return within(0, std::numeric_limits<std::uint32_t>::max());
    case DType::int16: return within(-32768, 32767);
    case DType::uint16: return within(0, 65535);
    case DType::int8: return within(-128, 127);
    case DType::uint8: return within(0, 255);
    case DType::boolean: return within(0, 1);
    default: return false;
  }
}

}  // namespace onnxopt::infer_util
