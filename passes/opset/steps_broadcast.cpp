// Broadcasting before opset 7 (and 8 for the variadic operators): attributes `broadcast` and `axis` instead of numpy rules.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "passes/opset/step.h"

namespace onnxopt {
namespace {

bool one_element(Draft& d, std::size_t i) {
  const auto s = d.shape(i);
  return s && std::all_of(s->begin(), s->end(), [](const Dim& x) { return x.is(1); });
}

// Gives input i `count` trailing dims of size 1: a constant is reshaped, anything else goes through Unsqueeze.
std::string add_trailing_ones(Draft& d, std::size_t i, std::int64_t rank, std::int64_t count) {
  if (const Tensor* t = d.constant(i)) {
    Dims dims = t->dims();
    dims.insert(dims.end(), static_cast<std::size_t>(count), 1);
    d.set_input(i, t->reshaped(std::move(dims)));
    return "";
  }
  Ints axes;
  for (std::int64_t k = 0; k < count; ++k) axes.push_back(rank + k);
  Type type = d.inputs[i].type();
  type.shape->insert(type.shape->end(), static_cast<std::size_t>(count), Dim(1));
  d.set_input(i, d.add_helper("Unsqueeze", {d.inputs[i], Arg(Tensor::int64s(axes))}, {}, std::move(type)));
  return "";
}

// B is aligned with A's dims from `axis` on; without axis with the last ones, as numpy does.
std::string binary_up(Draft& d) {
  const bool broadcast = int_attr(d, "broadcast", 0) != 0;
  const auto* axis = d.attrs.get<std::int64_t>("axis");
  const bool aligned = broadcast && axis && !one_element(d, 1);
  if (aligned) {
    const auto a = d.rank(0), b = d.rank(1);
    if (!a || !b) return "the ranks of a broadcast are not known";
    const std::int64_t from = *axis < 0 ? *axis + *a : *axis;
    const std::int64_t behind = *a - from - *b;
    if (from < 0 || behind < 0) return fmt::format("axis {} does not fit ranks {} and {}", *axis, *a, *b);
    if (behind > 0)
      if (auto why = add_trailing_ones(d, 1, *b, behind); !why.empty()) return why;
  }
  d.drop("consumed_inputs");
  d.drop("broadcast");
  d.drop("axis");
  d.touch();  // the way back needs shapes, so remember the form
  return "";
}

bool same_shape(const Shape& a, const Shape& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const Dim& x, const Dim& y) { return same(x, y); });
}

// Where B, without its leading and trailing ones, stands in A: [first, first + length) of B and the axis of A.
struct Aligned {
  std::size_t first = 0, length = 0;
  std::int64_t axis = 0;
};
std::optional<Aligned> align(const Shape& a, const Shape& b) {
  std::size_t first = 0, last = b.size();
  while (first < last && b[first].is(1)) ++first;
  while (last > first && b[last - 1].is(1)) --last;
  const std::size_t behind = b.size() - last;
  if (a.size() < behind + (last - first)) return std::nullopt;
  Aligned r{first, last - first, static_cast<std::int64_t>(a.size() - behind - (last - first))};
  for (std::size_t k = 0; k < r.length; ++k)
    if (!same(a[static_cast<std::size_t>(r.axis) + k], b[first + k])) return std::nullopt;
  return r;
}

std::string binary_down(Draft& d) {
  const auto a = d.shape(0), b = d.shape(1);
  if (!a || !b) return "the shapes of a broadcast are not known";
  if (same_shape(*a, *b)) return "";
  auto at = b->size() <= a->size() ? align(*a, *b) : std::nullopt;
  if (!at && d.op->has(kCommutative) && a->size() <= b->size() && (at = align(*b, *a))) {
    std::swap(d.inputs[0], d.inputs[1]);
    d.touch();
  }
  if (!at) return "no decomposition: both inputs are broadcast";
  d.set("broadcast", std::int64_t{1});
  const Shape small = *d.shape(1);
  if (std::all_of(small.begin(), small.end(), [](const Dim& x) { return x.is(1); })) return "";
  if (at->length != small.size()) {
    const Tensor* t = d.constant(1);
    const auto from = small.begin() + static_cast<std::ptrdiff_t>(at->first);
    Shape core(from, from + static_cast<std::ptrdiff_t>(at->length));
    if (t) {
      Dims dims;
      for (const Dim& x : core) dims.push_back(x.value());
      d.set_input(1, t->reshaped(std::move(dims)));
    } else {
      Ints axes;
      for (std::size_t k = 0; k < small.size(); ++k)
        if (k < at->first || k >= at->first + at->length) axes.push_back(static_cast<std::int64_t>(k));
      Type type = Type::tensor(d.dtype(1), core);
      d.set_input(1, d.add_helper("Squeeze", {d.inputs[1], Arg(Tensor::int64s(axes))}, {}, std::move(type)));
    }
  }
  d.set("axis", at->axis);
  return "";
}

// Slope of PRelu-6: one element, or one per channel. From 7 on it is broadcast like numpy does.
std::string prelu_up(Draft& d) {
  d.touch();
  if (one_element(d, 1)) return "";
  const auto x = d.rank(0), slope = d.rank(1);
  if (!x || !slope) return "the ranks are not known";
  if (*slope != 1 || *x <= 2) return "";
  return add_trailing_ones(d, 1, 1, *x - 2);
}

std::string prelu_down(Draft& d) {
  if (one_element(d, 1)) return "";
  const auto x = d.shape(0), slope = d.shape(1);
  if (!x || !slope) return "the shapes are not known";
  const auto at = align(*x, *slope);
  if (!at || at->axis != 1 || at->length != 1) return "no decomposition: the slope is not per channel";
  if (slope->size() == 1) return "";
  const Tensor* t = d.constant(1);
  if (!t) return "non-constant operand: slope";
  d.set_input(1, t->reshaped({t->size()}));
  return "";
}

std::string gemm_up(Draft& d) {
  d.drop("broadcast");
  d.touch();
  return "";
}

std::string gemm_down(Draft& d) {
  const auto c = d.shape(2);
  if (c && c->size() == 2 && !(*c)[0].is(1) && (*c)[1].is(1)) return "no decomposition: C is broadcast along its columns";
  d.set("broadcast", std::int64_t{1});
  return "";
}

// Max, Min, Mean, Sum broadcast from 8 on.
std::string variadic_up(Draft& d) {
  d.touch();
  return "";
}

std::string variadic_down(Draft& d) {
  const auto first = d.shape(0);
  for (std::size_t i = 1; i < d.inputs.size(); ++i) {
    const auto s = d.shape(i);
    if (!first || !s || !same_shape(*first, *s))
      return fmt::format("no decomposition: {} of inputs that are not known to have one shape", d.op->name);
  }
  return "";
}

constexpr Step kSteps[] = {
    {"Add", 6, 7, binary_up, binary_down},      {"Sub", 6, 7, binary_up, binary_down},     {"Mul", 6, 7, binary_up, binary_down},
    {"Div", 6, 7, binary_up, binary_down},      {"And", 1, 7, binary_up, binary_down},     {"Or", 1, 7, binary_up, binary_down},
    {"Xor", 1, 7, binary_up, binary_down},      {"Equal", 1, 7, binary_up, binary_down},   {"Greater", 1, 7, binary_up, binary_down},
    {"Less", 1, 7, binary_up, binary_down},     {"Pow", 1, 7, binary_up, binary_down},     {"PRelu", 6, 7, prelu_up, prelu_down},
    {"Gemm", 6, 7, gemm_up, gemm_down},         {"Max", 6, 8, variadic_up, variadic_down}, {"Min", 6, 8, variadic_up, variadic_down},
    {"Mean", 6, 8, variadic_up, variadic_down}, {"Sum", 6, 8, variadic_up, variadic_down},
};

}  // namespace

std::span<const Step> steps_broadcast() { return kSteps; }

}  // namespace onnxopt
