// The operands of a Slice as numbers.
#pragma once

#include <limits>

#include "passes/cleanup/facts.h"

namespace onnxopt {

struct SliceSpec {
  Ints starts, ends, axes, steps;
};  // axes normalized where the rank is known, all of one length
inline constexpr std::int64_t kToTheEnd = std::numeric_limits<std::int64_t>::max();

// nullopt: an operand is not known, or axes are negative and the rank is not known, or repeated.
std::optional<SliceSpec> slice_spec(const Node& slice);
// Inputs of a Slice node of `x`.
std::vector<Value*> slice_inputs(Rewriter& rw, Value* x, const SliceSpec& s);
// A slice of one axis with step 1 and bounds inside a dim that is a number: [start, end) with 0 <= start <= end <= dim.
struct Span {
  std::int64_t axis, start, end, dim;
};
std::optional<Span> single_span(const Node& slice);

}  // namespace onnxopt
