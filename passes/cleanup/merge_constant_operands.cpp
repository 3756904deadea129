// (x + c) + d  ==>  x + (c + d),    (x * c) * d  ==>  x * (c * d),    also Sub of a constant, and Div by a constant after Mul or Div
// O2 (reassociation), for float and double; integers wrap around in any order, so that theirs is exact (Div rounds, and stays). The middle value has
// no other reader. c and d are numbers, or of one shape (one value a channel), or one is a number. Large addends must have one sign: x + 65504 -
// 65504 rounds x, and is meant to.
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "passes/cleanup/facts.h"
#include "passes/fusion/weights.h"

namespace onnxopt {
namespace {

// n is `x op c`: c on either side for Add and Mul, on the right for Sub and Div.
struct Step {
  Value* x = nullptr;
  Value* c = nullptr;
  bool product = false, inverse = false;
};
std::optional<Step> step_of(const Node& n) {
  Step s;
  s.product = n.is("Mul") || n.is("Div");
  s.inverse = n.is("Sub") || n.is("Div");
  const bool right = n.input(1)->constant() != nullptr;
  if (!right && (s.inverse || !n.input(0)->constant())) return std::nullopt;
  s.x = n.input(right ? 0 : 1);
  s.c = n.input(right ? 1 : 0);
  return s;
}

bool usual(double factor) { return std::abs(factor) >= 1.0 / (1 << 20) && std::abs(factor) <= 1 << 20; }

// x + c - c with a large c rounds x, and is meant to; below this both are shifts of the usual kind.
constexpr double kLargeShift = 1024;

// The elements that meet; nullopt: the constants have different shapes, and together they would be larger, or no elements.
struct Elements {
  std::vector<double> c, d;
};
std::optional<Elements> elements_of(const Tensor& c, const Tensor& d) {
  Elements e{to_doubles(c), to_doubles(d)};
  if (e.c.empty() || e.d.empty()) return std::nullopt;
  if (c.size() == 1) e.c.assign(e.d.size(), e.c[0]);
  if (d.size() == 1) e.d.assign(e.c.size(), e.d[0]);
  const auto without_leading_ones = [](Dims dims) {
    dims.erase(dims.begin(), std::find_if(dims.begin(), dims.end(), [](std::int64_t n) { return n != 1; }));
    return dims;
  };
  const bool aligned = c.size() == 1 || d.size() == 1 || without_leading_ones(c.dims()) == without_leading_ones(d.dims());
  return aligned ? std::optional(std::move(e)) : std::nullopt;
}

// Constants beyond this might overflow where they meet, which no kernel defines.
constexpr double kLargeInteger = 1 << 14;

bool small_integers(const Elements& e) {
  const auto small = [](double v) { return std::abs(v) <= kLargeInteger; };
  return std::all_of(e.c.begin(), e.c.end(), small) && std::all_of(e.d.begin(), e.d.end(), small);
}

const char* harmful(const Elements& e, bool product, bool inverse) {
  for (std::size_t i = 0; i < e.c.size(); ++i) {
    if (product && !(usual(e.c[i]) && usual(e.d[i]))) return "a factor is so large or small that the middle value may leave the type's range";
    if (!product && !(std::isfinite(e.c[i]) && std::isfinite(e.d[i]))) return "an addend is not finite";
    const bool takes_back = !product && e.c[i] * (inverse ? -e.d[i] : e.d[i]) < 0;
    if (takes_back && std::max(std::abs(e.c[i]), std::abs(e.d[i])) > kLargeShift)
      return "one addend takes back what the other gave, and with it digits of x";
  }
  return nullptr;
}

bool visit(const Node& n, Rewriter& rw) {
  const auto second = step_of(n);
  if (!second || second->x->constant() || !second->x->used_once()) return no(rw, "not an operation with a constant on what has no other reader");
  const Node* inner = second->x->producer();
  if (!inner || inner->kept || !(inner->is("Add") || inner->is("Sub") || inner->is("Mul") || inner->is("Div")))
    return no(rw, "the input is not such an operation");
  const auto first = step_of(*inner);
  if (!first || first->x->constant() || first->product != second->product) return no(rw, "the input is not such an operation");
  const DType t = n.output()->type.dtype;
  const bool agree = first->c->constant()->dtype() == t && second->c->constant()->dtype() == t;  // a file may declare a type that it does not have
  const bool integers = t == DType::int32 || t == DType::int64;
  if (!agree || (t != DType::float32 && t != DType::float64 && !integers)) return no(rw, "not a tensor of float, double or whole numbers");
  if (integers && (n.is("Div") || inner->is("Div"))) return no(rw, "the division of whole numbers rounds");
  const auto e = elements_of(*first->c->constant(), *second->c->constant());
  if (!e) return no(rw, "the constants have different shapes");
  // x op1 c op2 d: the first operation stays, c and d meet by + or *, or by the inverse if exactly one of the two is inverse.
  const bool inverse = first->inverse != second->inverse;
  if (integers && !small_integers(*e)) return no(rw, "large whole numbers");
  if (const char* why = integers ? nullptr : harmful(*e, first->product, inverse)) return no(rw, why);
  const std::string_view op = second->product ? (inverse ? "Div" : "Mul") : (inverse ? "Sub" : "Add");
  Value* k = rw.constant(rw.eval(op, {*first->c->constant(), *second->c->constant()}), "c");
  return becomes(n, rw, rw.op(inner->op().name, {first->x, k}));
}

}  // namespace

NodeRule merge_constant_operands() {
  return {"merge-constant-operands", "One operation with a constant for two in a row", "Add Sub Mul Div", Level::o2, visit};
}

}  // namespace onnxopt
