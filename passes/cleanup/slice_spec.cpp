#include "passes/cleanup/slice_spec.h"

#include <algorithm>
#include <numeric>

namespace onnxopt {

std::optional<SliceSpec> slice_spec(const Node& n) {
  const auto starts = known_ints(n.input(1)), ends = known_ints(n.input(2));
  if (!starts || !ends || starts->size() != ends->size()) return std::nullopt;
  SliceSpec s{*starts, *ends, Ints(starts->size()), Ints(starts->size(), 1)};
  std::iota(s.axes.begin(), s.axes.end(), 0);
  if (n.input(3)) {
    const auto axes = known_ints(n.input(3));
    if (!axes || axes->size() != s.starts.size()) return std::nullopt;
    s.axes = *axes;
  }
  if (n.input(4)) {
    const auto steps = known_ints(n.input(4));
    if (!steps || steps->size() != s.starts.size()) return std::nullopt;
    s.steps = *steps;
  }
  const auto rank = rank_of(n.input(0));
  for (auto& a : s.axes) {
    if (rank && (a < -*rank || a >= *rank)) return std::nullopt;
    if (a < 0 && !rank) return std::nullopt;
    if (a < 0) a += *rank;
  }
  Ints sorted = s.axes;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return std::nullopt;
  return s;
}

std::vector<Value*> slice_inputs(Rewriter& rw, Value* x, const SliceSpec& s) {
  std::vector<Value*> in{x, rw.constant(Tensor::int64s(s.starts), "starts"), rw.constant(Tensor::int64s(s.ends), "ends"),
                         rw.constant(Tensor::int64s(s.axes), "axes")};
  if (std::any_of(s.steps.begin(), s.steps.end(), [](auto v) { return v != 1; })) in.push_back(rw.constant(Tensor::int64s(s.steps), "steps"));
  return in;
}

std::optional<Span> single_span(const Node& n) {
  const Shape* shape = shape_of(n.input(0));
  const auto s = shape ? slice_spec(n) : std::nullopt;
  if (!s || s->axes.size() != 1 || s->steps[0] != 1) return std::nullopt;
  const Dim d = (*shape)[static_cast<std::size_t>(s->axes[0])];
  if (!d.is_value()) return std::nullopt;
  const auto clamp = [&](std::int64_t v) { return std::clamp<std::int64_t>(v < 0 ? v + d.value() : v, 0, d.value()); };
  const Span r{s->axes[0], clamp(s->starts[0]), clamp(s->ends[0]), d.value()};
  return r.start <= r.end ? std::optional<Span>(r) : std::nullopt;
}

}  // namespace onnxopt
