// What the decompositions of tree ensembles share.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "ir/core/element.h"
#include "passes/opset/expand.h"

namespace onnxopt::expand_fn::trees {

inline constexpr std::string_view kDomain = "ai.onnx.ml";
inline constexpr std::array<std::string_view, 6> kModes{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"};
inline constexpr std::array<std::string_view, 4> kAggregates{"AVERAGE", "SUM", "MIN", "MAX"};
inline constexpr std::array<std::string_view, 5> kTransforms{"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};

inline std::vector<double> numbers(const Tensor& t) {
  std::vector<double> r(static_cast<std::size_t>(t.size()));
  if (!r.empty()) load_block<double>(t.dtype(), t.bytes().data(), 0, t.size(), r.data());
  return r;
}

inline Ints integers(const Expansion& e, std::string_view name) {
  const Ints* v = e.integers(name);
  return v ? *v : Ints();
}

template <std::size_t N>
std::optional<std::int64_t> place_of(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto it = std::ranges::find(names, name);
  return it == names.end() ? std::nullopt : std::optional(static_cast<std::int64_t>(it - names.begin()));
}

}  // namespace onnxopt::expand_fn::trees
