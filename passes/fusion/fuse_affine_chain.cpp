#include <algorithm>
#include <cmath>

#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"

namespace onnxopt {

namespace {

Attrs to(DType t) { return {{"to", std::int64_t{static_cast<int>(t)}}}; }

// Constants in double; the result is rounded once.
struct Wide {
  Rewriter& rw;
  Tensor of(const Tensor& t) const { return rw.eval("Cast", {t}, to(DType::float64)); }
  Tensor mul(const Tensor& a, const Tensor& b) const { return rw.eval("Mul", {a, b}); }
  Tensor add(const Tensor& a, const Tensor& b) const { return rw.eval("Add", {a, b}); }
  Tensor factor(const Match& m, std::string_view node, std::string_view constant) const {
    const Tensor c = of(m.tensor(constant));
    return m.node(node).is("Div") ? rw.eval("Div", {Tensor::scalar<double>(1), c}) : c;
  }
  Tensor addend(const Match& m, std::string_view node, std::string_view constant) const {
    const Tensor c = of(m.tensor(constant));
    return m.node(node).is("Sub") ? rw.eval("Neg", {c}) : c;
  }
  Value* constant(const Tensor& t, DType as, std::int64_t at_most) const {
    if (t.size() > at_most) rw.abandon("the merged constant would be larger than both");
    const Tensor r = from_doubles(as, t.dims(), t.data<double>());
    if (!r) rw.abandon("the merged constant would leave the range of its type");
    return rw.constant(r);
  }
};

// (x + 12582912) * b - 12582912 * b rounds x, and is meant to. `given` and `later`: the two shifts, in units of the result. In a narrow type small
// shifts round as well.
constexpr double kLargeShift = 1024;
bool takes_back(const Tensor& given, const Tensor& later, const Tensor& scale, DType t) {
  const auto first = given.data<double>(), second = later.data<double>(), factor = scale.data<double>();
  const auto any = [](std::span<const double> values, auto&& holds) { return std::any_of(values.begin(), values.end(), holds); };
  const auto positive = [](double v) { return v > 0; };
  const auto negative = [](double v) { return v < 0; };
  if (!(any(first, positive) && any(second, negative)) && !(any(first, negative) && any(second, positive))) return false;
  if (t != DType::float32 && t != DType::float64) return true;
  double least = HUGE_VAL;
  for (const double f : factor) least = std::min(least, std::abs(f));
  const auto large = [&](double v) { return std::abs(v) > kLargeShift * least; };
  return any(first, large) || any(second, large);
}

}  // namespace

// y = (x * a + b) * c  ==>  y = x * (a * c) + b * c;   y = (x + a) * b + c  ==>  y = x * b + (a * b + c)
// Also Div and Sub by constants. What preprocessing and batch normalization written out leave behind.
Rule fuse_affine_chain() {
  return {
      .name = "fuse-affine-chain",
      .summary = "Three operations with constants, scales and shifts in turn, to one Mul and one Add",
      .match = R"(
        m = Mul|Div (x, a)
        s = Add|Sub (m, b)
        y = Mul|Div (s, c)
        or
        s = Add|Sub (x, a)
        m = Mul|Div (s, b)
        y = Add|Sub (m, c)
      )",
      .where = {is_constant("a b c"), is_float_tensor("x"), custom("x is not a constant", [](const Match& m) { return !m["x"]->constant(); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            const Wide w{rw};
            const DType t = m["x"]->type.dtype;
            const std::int64_t largest = std::max({m.tensor("a").size(), m.tensor("b").size(), m.tensor("c").size()});
            const bool scale_first = m.node("y").is("Mul") || m.node("y").is("Div");
            Tensor scale, shift;
            if (scale_first) {
              const Tensor c = w.factor(m, "y", "c");
              scale = w.mul(w.factor(m, "m", "a"), c);
              shift = w.mul(w.addend(m, "s", "b"), c);
            } else {
              scale = w.factor(m, "m", "b");
              const Tensor given = w.mul(w.addend(m, "s", "a"), scale), later = w.addend(m, "y", "c");
              if (takes_back(given, later, scale, t)) rw.abandon("one addend takes back what the other gave, and with it digits of x");
              shift = w.add(given, later);
            }
            Value* scaled = rw.op("Mul", {m["x"], w.constant(scale, t, largest)});
            rw.replace(m["y"], rw.op("Add", {scaled, w.constant(shift, t, largest)}));
          },
  };
}

}  // namespace onnxopt
