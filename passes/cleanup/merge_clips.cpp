// Clip (Clip (x, a, b), c, d), Relu (Clip (x, a, b)), Clip (Relu (x), c, d)  ==>  one Clip
// A clamp to [a, b] followed by one to [c, d] is a clamp to [clamp(a; c, d), clamp(b; c, d)], for a <= b and c <= d; Relu is a clamp to [0, inf].
// O2: what Relu makes of NaN and of -0.0 is not the same everywhere.
#include <algorithm>
#include <cmath>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

// A bound and the value that holds it (null: none; `zero`: the 0 of Relu).
struct Bound {
  double at;
  Value* value = nullptr;
  bool zero = false;
};
struct Clamp {
  Bound low{-HUGE_VAL}, high{HUGE_VAL};
};

constexpr double kExact = 9007199254740992.0 - 1;  // beyond, two integers may be one double

std::optional<Clamp> clamp_of(const Node& n) {
  Clamp c;
  if (n.is("Relu")) {
    c.low = {0.0, nullptr, true};
    return c;
  }
  for (std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    if (!n.input(i)) continue;
    const auto v = splat(n.input(i));
    if (!v || (std::abs(*v) > kExact && is_integer(n.input(i)->type.dtype))) return std::nullopt;
    (i == 1 ? c.low : c.high) = {*v, n.input(i)};
  }
  return c.low.at <= c.high.at ? std::optional<Clamp>(c) : std::nullopt;
}

Bound clamped(Bound b, const Clamp& by) {
  if (b.at < by.low.at) return by.low;
  return b.at > by.high.at ? by.high : b;
}

Value* as_value(const Bound& b, DType t, Rewriter& rw) { return b.zero ? rw.constant(Tensor::zeros(t, {}), "zero") : b.value; }

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = made_by(n.input(0), "Clip");
  if (!inner && n.is("Clip")) inner = made_by(n.input(0), "Relu");
  if (!inner) return no(rw, "the input is not made by Clip or Relu");
  const auto first = clamp_of(*inner), second = clamp_of(n);
  const DType t = n.input(0)->type.dtype;
  if (!first || !second || t == DType::undefined) return no(rw, "a bound is not constant, or they cross");
  const Bound low = clamped(first->low, *second), high = clamped(first->high, *second);
  std::vector<Value*> in{inner->input(0), as_value(low, t, rw)};
  if (Value* v = as_value(high, t, rw)) in.push_back(v);
  else if (!in.back()) in.pop_back();
  return becomes(n, rw, rw.op("Clip", in));
}

}  // namespace

NodeRule merge_clips() { return {"merge-clips", "One Clip for a run of Clip and Relu", "Clip Relu", Level::o2, visit}; }

}  // namespace onnxopt
