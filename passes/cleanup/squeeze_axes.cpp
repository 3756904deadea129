#include "passes/cleanup/squeeze_axes.h"

#include <algorithm>

namespace onnxopt {

std::optional<Ints> squeeze_axes(const Node& n) {
  const auto rank = rank_of(n.is("Unsqueeze") ? n.output() : n.input(0));
  if (!rank) return std::nullopt;
  if (n.input(1)) return known_axes(n, 1, *rank);
  if (n.is("Unsqueeze")) return std::nullopt;
  Ints r;
  const Shape& s = *shape_of(n.input(0));
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (!s[i].is_value()) return std::nullopt;
    if (s[i].is(1)) r.push_back(static_cast<std::int64_t>(i));
  }
  return r;
}

std::int64_t position_before_squeeze(std::int64_t p, const Ints& axes) {
  for (auto a : axes)  // sorted: each axis at or before p shifts it
    if (a <= p) ++p;
  return p;
}

std::int64_t position_after_squeeze(std::int64_t p, const Ints& axes) {
  return p - std::count_if(axes.begin(), axes.end(), [&](auto a) { return a < p; });
}

bool contains(const Ints& sorted, std::int64_t v) { return std::binary_search(sorted.begin(), sorted.end(), v); }

}  // namespace onnxopt
