// Axes as attributes and as inputs, negative and not: what several operators' steps share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "passes/opset/draft.h"

namespace onnxopt {

// Attribute `axes` becomes constant input i (absent stays absent), and back ("" or why the input cannot be an attribute).
std::string axes_to_input(Draft& d, std::size_t i);
std::string axes_to_attribute(Draft& d, std::size_t i);
// Files carry negative axes where they were not allowed yet; lowering would correct them, so the form is remembered.
std::string remember_negative_axes(Draft& d);
// Before 11 axes counted from the front only. `rank`: of what the axes count; needed only where one is negative.
std::string normalize_axes(Draft& d, std::optional<std::int64_t> rank);
std::string normalize_axis(Draft& d, std::string_view attr, std::int64_t otherwise, std::optional<std::int64_t> rank);
// The same for axes in hand, which count dims of input i.
std::string make_nonnegative(Ints& axes, Draft& d, std::size_t i);

}  // namespace onnxopt
