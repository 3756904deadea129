// Arithmetic that came late.
#include <cmath>
#include <span>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

bool plain_float(DType t) { return t == DType::float32 || t == DType::float64; }

}  // namespace

// fmod = 0: the remainder has the divisor's sign. Division truncates.
std::string mod(Expansion& e) {
  const DType t = e.dtype(0);
  if (is_float(t) && e.integer("fmod", 0) == 0) {
    Value* zero = e.scalar(t, 0);
    Value* r = e.op("Mod", {e.in(0), e.in(1)}, {{"fmod", std::int64_t{1}}});
    const auto below = [&](Value* v) { return e.op("Less", {v, zero}); };
    Value* wrong = e.op("And", {e.op("Xor", {below(r), below(e.in(1))}), e.op("Not", {e.op("Equal", {r, zero})})});
    e.result(0, e.op("Where", {wrong, e.add(r, e.in(1)), r}));
    return "";
  }
  if (!is_integer(t)) return is_float(t) ? float_remainder(e) : kOtherReason;
  const DType way = bit_width(t) >= 32 ? t : is_signed_integer(t) ? DType::int32 : DType::uint32;
  Value* b = e.cast(e.in(1), way);
  Value* a = e.cast(e.in(0), way);
  Value* r = e.sub(a, e.mul(e.div(a, b), b));
  if (is_signed_integer(t) && e.integer("fmod", 0) == 0) {  // b more where the signs differ; the sum of the two always fits then
    const auto below = [&](Value* v) { return e.op("Less", {v, e.scalar(way, 0)}); };
    Value* wrong = e.op("And", {e.op("Xor", {below(r), below(b)}), e.cast(r, DType::boolean)});
    r = e.add(r, e.mul(b, e.cast(wrong, way)));
  }
  e.result(0, e.cast(r, t));
  return "";
}

namespace {

// sum of c[k] * square^k, times x: what a function is near zero.
Value* odd_series(Expansion& e, Value* x, std::span<const double> c) {
  Value* square = e.mul(x, x);
  Value* y = e.scalar(DType::float64, c[0]);
  for (std::size_t k = 1; k < c.size(); ++k) y = e.add(e.mul(y, square), e.scalar(DType::float64, c[k]));
  return e.mul(y, x);
}

}  // namespace

// In double arithmetic, which leaves a float's accuracy; near zero, where differences cancel, by a series.
std::string hyperbolic(Expansion& e) {
  const DType t = e.dtype(0);
  if (t != DType::float32 && t != DType::float16 && t != DType::bfloat16) return "type: this operator of this type";
  const auto d = [&](double v) { return e.scalar(DType::float64, v); };
  Value* x = e.cast(e.in(0), DType::float64);
  const std::string_view name = e.node().op().name;
  const auto near_zero = [&](Value* y, std::initializer_list<double> c) {
    Value* small = e.op("Less", {e.op("Abs", {x}), d(0.01)});
    return e.op("Where", {small, odd_series(e, x, {c.begin(), c.size()}), y});
  };
  Value* y;
  if (name == "Cosh" || name == "Sinh") {
    Value *up = e.op("Exp", {x}), *down = e.op("Exp", {e.op("Neg", {x})});
    y = e.mul(name == "Cosh" ? e.add(up, down) : e.sub(up, down), d(0.5));
    if (name == "Sinh") y = near_zero(y, {1.0 / 120, 1.0 / 6, 1});
  } else if (name == "Acosh") {
    const auto root = [&](double by) { return e.op("Sqrt", {e.add(x, d(by))}); };  // of x below 1 there is none
    y = e.op("Log", {e.add(x, e.mul(root(1), root(-1)))});
  } else if (name == "Asinh") {
    Value* size = e.op("Abs", {x});
    y = e.op("Log", {e.add(size, e.op("Sqrt", {e.add(e.mul(size, size), d(1))}))});
    y = e.op("Where", {e.op("Less", {x, d(0)}), e.op("Neg", {y}), y});
    y = near_zero(y, {3.0 / 40, -1.0 / 6, 1});
  } else {
    y = e.mul(e.op("Log", {e.div(e.add(d(1), x), e.sub(d(1), x))}), d(0.5));
    y = near_zero(y, {1.0 / 5, 1.0 / 3, 1});
  }
  e.result(0, e.cast(y, t));
  return "";
}

// erf(x) = x * P(x^2) / Q(x^2), x held within the range where float does not yet round to 1. The coefficients are a least-squares fit of ours; in
// float arithmetic the result is within 4e-7 of the truth.
std::string erf(Expansion& e) {
  const DType t = e.dtype(0);
  if (t != DType::float32 && t != DType::float16) return "type: Erf of this type";
  constexpr float kP[] = {1.96036688e-08f, -1.95090447e-06f, 1.43811615e-04f, 3.80794771e-03f, 5.09236002e-02f, 2.02585471e-01f, 1.1283791f};
  constexpr float kQ[] = {9.79871436e-04f, 1.45759665e-02f, 1.16095572e-01f, 5.12868209e-01f, 1.0f};
  const auto f = [&](float v) { return e.scalar(DType::float32, v); };
  Value* x = e.op("Clip", {e.cast(e.in(0), DType::float32), f(-3.95f), f(3.95f)});
  Value* square = e.mul(x, x);
  const auto polynomial = [&](std::span<const float> c) {
    Value* y = f(c[0]);
    for (std::size_t k = 1; k < c.size(); ++k) y = e.add(e.mul(y, square), f(c[k]));
    return y;
  };
  Value* p = polynomial(kP);
  e.result(0, e.cast(e.div(e.mul(x, p), polynomial(kQ)), t));
  return "";
}

// Half to even: between 2^23 and 2^24 floats have no fraction, so adding 2^23 rounds it away; what is larger has none to begin with.
std::string round(Expansion& e) {
  const DType t = e.dtype(0);
  if (!plain_float(t)) return "type: Round of this type";
  const double magic = t == DType::float32 ? 8388608.0 : 4503599627370496.0;  // 2^23, 2^52
  Value* m = e.scalar(t, magic);
  Value* size = e.op("Abs", {e.in(0)});
  Value* whole = e.sub(e.add(size, m), m);
  Value* small = e.op("Less", {size, m});
  Value* rounded = e.op("Where", {small, whole, size});
  rounded = e.op("Where", {e.op("Less", {e.in(0), e.scalar(t, 0)}), e.op("Neg", {rounded}), rounded});
  e.result(0, e.op("Where", {e.cast(e.in(0), DType::boolean), rounded, e.in(0)}));  // a zero keeps its sign
  return "";
}

// In doubling steps: y[i] += y[i - 1], y[i - 2], y[i - 4], ...
std::string cumulative(Expansion& e) {
  const auto axis_list = e.constant_ints(1);
  const auto rank = e.rank(0);
  const bool sums = e.node().is("CumSum");
  if (!rank || *rank == 0) return "the rank of the input is not known";
  if (!axis_list && e.has(1)) {  // along every axis, of which one is taken
    std::vector<Value*> all;
    for (std::int64_t k = 0; k < *rank; ++k)
      all.push_back(e.unsqueeze(e.op(e.node().op().name, {e.in(0), e.index(k, "axis")}, e.node().attrs()), {0}));
    Value* at = e.reshape(e.cast(e.in(1), DType::int64), {});
    at = e.add(at, e.mul(e.cast(e.op("Less", {at, e.index(0)}), DType::int64), e.index(*rank)));
    e.result(0, e.op("Gather", {*rank == 1 ? all[0] : e.concat(all, 0), at}, {{"axis", std::int64_t{0}}}));
    return "";
  }
  if (!axis_list || axis_list->size() != 1) return "non-constant operand: axis";
  std::int64_t axis = axis_list->front();
  axis += axis < 0 ? *rank : 0;
  const DType t = e.dtype(0);
  const Dim d = (*e.shape(0))[static_cast<std::size_t>(axis)];
  if (!d.is_value() || d.value() == 0) return cumulative_scan(e, axis);
  if (!plain_float(t) && t != DType::float16 && t != DType::bfloat16 && t != DType::int32 && t != DType::int64)
    return sums ? "type: CumSum of this type" : "type: CumProd of this type";
  const std::int64_t n = d.value();
  const bool reverse = e.integer("reverse", 0) != 0;
  Value* y = e.in(0);
  const char* op = sums ? "Add" : "Mul";
  for (std::int64_t k = 1; k < n; k *= 2) {
    Value *head = e.slice(y, 0, n - k, axis), *tail = e.slice(y, k, n, axis);
    Value* both = e.op(op, {head, tail});
    y = reverse ? e.concat({both, e.slice(y, n - k, n, axis)}, axis) : e.concat({e.slice(y, 0, k, axis), both}, axis);
  }
  if (e.integer("exclusive", 0) != 0) {
    Ints pads(2 * static_cast<std::size_t>(*rank), 0);
    pads[static_cast<std::size_t>(reverse ? *rank + axis : axis)] = 1;
    Value* kept = reverse ? e.slice(y, 1, n, axis) : e.slice(y, 0, n - 1, axis);
    const DType way = plain_float(t) ? t : t == DType::int32 || t == DType::int64 ? DType::float64 : DType::float32;
    if (t == DType::int64) return "type: CumSum of int64, exclusive";
    y = e.cast(e.op("Pad", {e.cast(kept, way), e.ints(pads, "pads"), e.scalar(way, sums ? 0 : 1)}), t);
  }
  e.result(0, n == 1 && e.integer("exclusive", 0) == 0 ? e.op("Identity", {y}) : y);
  return "";
}

namespace {

// Along the first row, by the determinants of what the others leave. cells[i][j]: the element of every matrix.
Value* minor_sum(Expansion& e, const std::vector<std::vector<Value*>>& cells, std::size_t row, const std::vector<std::size_t>& columns) {
  if (columns.size() == 1) return cells[row][columns[0]];
  Value* sum = nullptr;
  for (std::size_t k = 0; k < columns.size(); ++k) {
    std::vector<std::size_t> rest = columns;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(k));
    Value* part = e.mul(cells[row][columns[k]], minor_sum(e, cells, row + 1, rest));
    sum = !sum ? part : k % 2 == 0 ? e.add(sum, part) : e.sub(sum, part);
  }
  return sum;
}

}  // namespace

// Small matrices: larger ones need pivots, which are found in the data.
std::string det(Expansion& e) {
  constexpr std::int64_t kLargest = 4;
  const Shape* s = e.shape(0);
  const auto rank = e.rank(0);
  if (!plain_float(e.dtype(0))) return "type: Det of this type";
  if (!rank || *rank < 2 || !s->back().is_value()) return "the shape of the input is not known";
  const std::int64_t n = s->back().value();
  if (n < 1 || n > kLargest) return "no decomposition: matrices of more than 4 rows";
  std::vector<std::vector<Value*>> cells(static_cast<std::size_t>(n));
  std::vector<std::size_t> columns;
  for (std::int64_t i = 0; i < n; ++i) {
    columns.push_back(static_cast<std::size_t>(i));
    Value* line = e.op("Gather", {e.in(0), e.index(i)}, {{"axis", *rank - 2}});
    for (std::int64_t j = 0; j < n; ++j) cells[static_cast<std::size_t>(i)].push_back(e.op("Gather", {line, e.index(j)}, {{"axis", *rank - 2}}));
  }
  e.result(0, n == 1 ? e.op("Identity", {cells[0][0]}) : minor_sum(e, cells, 0, columns));
  return "";
}

}  // namespace onnxopt::expand_fn
