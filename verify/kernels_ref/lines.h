// A tensor as lines along one axis: element i of line (o, n) stands at (o * length + i) * inner + n.
#pragma once

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {

struct Lines {
  std::int64_t outer, length, inner;
  Lines(const Dims& dims, std::int64_t axis)
      : outer(product(dims, 0, static_cast<std::size_t>(axis))),
        length(dims[static_cast<std::size_t>(axis)]),
        inner(product(dims, static_cast<std::size_t>(axis) + 1)) {}
  std::int64_t count() const { return outer * inner; }
  // Offset of the first element of line i; its elements follow each other at distance `inner`.
  std::int64_t start(std::int64_t i) const { return i / inner * length * inner + i % inner; }
};

}  // namespace onnxopt::ref
