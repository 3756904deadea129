// Comparing and choosing: types that older versions lack, and Where before opset 9.
#include <limits>
#include <span>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

bool plain_float(DType t) { return t == DType::float32 || t == DType::float64; }
bool fits_double(DType t) { return is_integer(t) && bit_width(t) >= 8 && bit_width(t) <= 32; }

Value* not_(Expansion& e, Value* v) { return e.op("Not", {v}); }
Value* and_(Expansion& e, Value* a, Value* b) { return e.op("And", {a, b}); }
Value* or_(Expansion& e, Value* a, Value* b) { return e.op("Or", {a, b}); }

// NaN is neither below nor above zero, and not zero: its Cast to bool is true.
Value* nan_of(Expansion& e, Value* x) {
  Value* zero = e.scalar(Expansion::dtype_of_value(x), 0);
  Value* beside = or_(e, e.op("Less", {x, zero}), e.op("Greater", {x, zero}));
  return and_(e, e.cast(x, DType::boolean), not_(e, beside));
}

// True in the shape that `all` have together.
Value* common_shape(Expansion& e, std::span<Value* const> all, DType t) {
  Value* sum = e.cast(all[0], t);
  for (Value* v : all.subspan(1)) sum = e.add(sum, e.cast(v, t));
  Value* any = e.cast(sum, DType::boolean);
  return or_(e, any, not_(e, any));
}

bool surely_a_number(const Value* v) {
  const Tensor* t = v->constant();
  if (!t || t->size() != 1) return false;
  const auto x = scalar_value(*t);
  return x && *x == *x;
}

// High and low part of a 64-bit integer, each exact as a double; truncated division keeps the order.
struct Halves {
  Value *high, *low;
};
Halves halves(Expansion& e, Value* v) {
  Value* base = e.scalar(Expansion::dtype_of_value(v), 2147483648.0);  // 2^31
  Value* high = e.div(v, base);
  return {high, e.cast(e.sub(v, e.mul(high, base)), DType::float64)};
}

}  // namespace

std::string greater_or_equal(Expansion& e) {
  const bool greater = e.node().is("GreaterOrEqual");
  const std::string_view strict = greater ? "Greater" : "Less";
  if (is_integer(e.dtype(0))) {
    e.result(0, not_(e, e.op(greater ? "Less" : "Greater", {e.in(0), e.in(1)})));
    return "";
  }
  if (!is_float(e.dtype(0))) return "the type of the inputs is not known";
  e.result(0, or_(e, e.op(strict, {e.in(0), e.in(1)}), e.op("Equal", {e.in(0), e.in(1)})));
  return "";
}

// Before opset 9 only floating types were compared.
std::string greater_or_less(Expansion& e) {
  const std::string_view name = e.node().op().name;
  const DType t = e.dtype(0);
  if (fits_double(t)) {
    e.result(0, e.op(name, {e.cast(e.in(0), DType::float64), e.cast(e.in(1), DType::float64)}));
    return "";
  }
  if (t != DType::int64 && t != DType::uint64) return kOtherReason;
  const Halves a = halves(e, e.in(0)), b = halves(e, e.in(1));
  Value* high = e.op(name, {e.cast(a.high, DType::float64), e.cast(b.high, DType::float64)});
  Value* low = e.op(name, {a.low, b.low});
  e.result(0, or_(e, high, and_(e, e.op("Equal", {e.cast(a.high, DType::int64), e.cast(b.high, DType::int64)}), low)));
  return "";
}

// Before opset 11 only integers and bools: equal is neither less nor greater, and a number.
std::string equal(Expansion& e) {
  const DType t = e.dtype(0);
  if (t == DType::string) return equal_strings(e);
  if (t == DType::float16 || t == DType::bfloat16) {
    e.result(0, e.op("Equal", {e.cast(e.in(0), DType::float32), e.cast(e.in(1), DType::float32)}));
    return "";
  }
  if (is_integer(t) && bit_width(t) >= 8) {  // as int64: of one width the bits stay
    e.result(0, e.op("Equal", {e.cast(e.in(0), DType::int64), e.cast(e.in(1), DType::int64)}));
    return "";
  }
  if (!plain_float(t)) return kOtherReason;
  Value *a = e.in(0), *b = e.in(1);
  Value* y = not_(e, or_(e, e.op("Less", {a, b}), e.op("Greater", {a, b})));
  for (Value* v : {a, b})
    if (!surely_a_number(v)) y = and_(e, y, not_(e, nan_of(e, v)));
  e.result(0, y);
  return "";
}

std::string is_nan(Expansion& e) {
  if (e.dtype(0) == DType::float16) {
    e.result(0, e.op("IsNaN", {e.cast(e.in(0), DType::float32)}));
    return "";
  }
  if (!plain_float(e.dtype(0))) return "type: IsNaN of this type";
  e.result(0, nan_of(e, e.in(0)));
  return "";
}

std::string is_inf(Expansion& e) {
  const DType t = e.dtype(0);
  if (t == DType::float16) {
    e.result(0, e.op("IsInf", {e.cast(e.in(0), DType::float32)}, e.node().attrs()));
    return "";
  }
  if (!plain_float(t)) return "type: IsInf of this type";
  const double largest = t == DType::float32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
  const bool up = e.integer("detect_positive", 1) != 0, down = e.integer("detect_negative", 1) != 0;
  if (!up && !down) return "no decomposition: neither infinity is looked for";
  Value* x = up && down ? e.op("Abs", {e.in(0)}) : e.in(0);
  e.result(0, up ? e.op("Greater", {x, e.scalar(t, largest)}) : e.op("Less", {x, e.scalar(t, -largest)}));
  return "";
}

std::string sign(Expansion& e) {
  const DType t = e.dtype(0);
  const auto zero = float_scalar(t, 0);
  if (!zero) return "type: Sign of this type";
  Value* z = e.tensor(*zero);
  Value* y = e.sub(e.cast(e.op("Greater", {e.in(0), z}), t), e.cast(e.op("Less", {e.in(0), z}), t));
  if (is_float(t)) y = e.add(y, e.mul(e.op("Exp", {e.op("Neg", {e.op("Abs", {e.in(0)})})}), z));  // 0, and NaN of NaN
  e.result(0, y);
  return "";
}

// Integers came with opset 12, broadcasting with 8.
std::string max_min(Expansion& e) {
  const bool max = e.node().is("Max");
  const auto inputs = e.node().inputs();
  if (inputs.size() == 1) {
    e.result(0, e.op("Identity", {e.in(0)}));
    return "";
  }
  if (is_integer(e.dtype(0))) {
    Value* best = inputs[0];
    for (std::size_t i = 1; i < inputs.size(); ++i) best = e.op("Where", {e.op(max ? "Greater" : "Less", {best, inputs[i]}), best, inputs[i]});
    e.result(0, best);
    return "";
  }
  const Shape* out = Expansion::shape_of(e.node().output());
  const DType t = e.dtype(0);
  if (e.opset() >= 8) return kOtherReason;
  if (!plain_float(t)) return "no decomposition: inputs of several shapes before opset 8";
  Dims dims;
  for (std::size_t i = 0; out && i < out->size() && (*out)[i].is_value(); ++i) dims.push_back((*out)[i].value());
  if (!out || dims.size() < out->size()) {
    Value* best = inputs[0];  // NaN wins
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      Value* better = or_(e, e.op(max ? "Greater" : "Less", {best, inputs[i]}), nan_of(e, best));
      best = e.op("Where", {better, best, inputs[i]});
    }
    e.result(0, best);
    return "";
  }
  std::vector<Value*> same;
  bool changed = false;
  for (Value* v : inputs) {
    const Shape* s = Expansion::shape_of(v);
    bool fits = s && s->size() == dims.size();
    for (std::size_t i = 0; fits && i < dims.size(); ++i) fits = (*s)[i].is(dims[i]);
    changed = changed || !fits;
    same.push_back(fits ? v : e.op("Expand", {v, e.ints(dims)}));
  }
  if (!changed) return kOtherReason;
  e.result(0, e.op(e.node().op().name, same));
  return "";
}

// Add broadcasts from 7 on.
std::string sum_mean(Expansion& e) {
  if (e.opset() >= 8 || e.node().inputs().size() < 2) return kOtherReason;
  Value* sum = e.in(0);
  for (std::size_t i = 1; i < e.node().inputs().size(); ++i) sum = e.add(sum, e.in(i));
  const auto n = float_scalar(e.dtype(0), static_cast<double>(e.node().inputs().size()));
  if (e.node().is("Mean") && !n) return "the type of the inputs is not known";
  e.result(0, e.node().is("Mean") ? e.div(sum, e.tensor(*n)) : sum);
  return "";
}

// Bounds that are computed came with opset 11, integers with 12.
std::string clip(Expansion& e) {
  Value* x = e.in(0);
  if (e.has(1)) x = e.op("Max", {x, e.in(1)});
  if (e.has(2)) x = e.op("Min", {x, e.in(2)});
  e.result(0, x == e.in(0) ? e.op("Identity", {x}) : x);
  return "";
}

namespace {

// A choice of floats must not compute with what is not chosen, which may be NaN: both stand in one long vector, and the index chooses.
std::string where_by_index(Expansion& e) {
  constexpr std::int64_t kMost = std::int64_t{1} << 18;
  const Shape* out = Expansion::shape_of(e.node().output());
  const DType t = e.dtype(1);
  std::int64_t count = 1;
  Dims dims;
  for (std::size_t i = 0; out && i < out->size() && (*out)[i].is_value(); ++i) {
    dims.push_back((*out)[i].value());
    count *= dims.back();
  }
  const bool known = out && dims.size() == out->size() && count <= kMost;
  Value* ones = nullptr;  // in the shape of the result
  if (!known) ones = common_shape(e, e.node().inputs(), t);
  const auto full = [&](Value* v, DType way) {
    if (known) return e.reshape(e.op("Expand", {v, e.ints(dims)}), {-1});
    return e.reshape(e.mul(e.cast(v, way), e.cast(ones, way)), {-1});
  };
  Value* no = full(e.in(2), t);
  Value* both = e.concat({no, full(e.in(1), t)}, 0);
  const Index size = known ? Index(count) : Index(e.shape_value(no));
  Value* chosen = e.mul(e.cast(full(e.in(0), DType::int64), DType::int64), vector_of(e, size));
  Value* y = e.op("Gather", {both, e.add(chosen, range(e, 0, size))}, {{"axis", std::int64_t{0}}});
  e.result(0, known ? e.op("Reshape", {y, e.ints(dims)}) : e.reshape_like(y, ones));
  return "";
}

}  // namespace

std::string where(Expansion& e) {
  const DType t = e.dtype(1);
  if (t == DType::boolean) {
    e.result(0, or_(e, and_(e, e.in(0), e.in(1)), and_(e, not_(e, e.in(0)), e.in(2))));
    return "";
  }
  if (is_float(t)) return where_by_index(e);
  if (!is_integer(t) || bit_width(t) < 8) return "type: Where of this type before opset 9";
  const DType way = bit_width(t) < 32 ? DType::int32 : t == DType::int32 ? t : DType::int64;
  Value* yes = e.mul(e.cast(e.in(0), way), e.cast(e.in(1), way));
  Value* no = e.mul(e.cast(not_(e, e.in(0)), way), e.cast(e.in(2), way));
  e.result(0, e.cast(e.add(yes, no), t));
  return "";
}

}  // namespace onnxopt::expand_fn
