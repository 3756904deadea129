// Iteration over broadcast operands: dims collapsed as far as the strides of all operands allow, walked row by row.
#pragma once

#include <span>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {

struct BroadcastLoop {
  static constexpr std::size_t kMaxOperands = 4;
  Dims out;   // the full output shape
  Dims dims;  // collapsed; the last one is the row
  std::size_t operands;
  std::vector<std::array<std::int64_t, kMaxOperands>> strides;  // per collapsed dim and operand, in elements; of a row 0 or 1

  explicit BroadcastLoop(std::span<const Dims* const> shapes);
  std::int64_t row() const { return dims.back(); }
  std::int64_t rows() const { return product(dims, 0, dims.size() - 1); }
  // visit(out_offset, offsets of the operands) for rows [begin, end).
  template <class F>
  void for_rows(std::int64_t begin, std::int64_t end, F&& visit) const;
};

template <class F>
void BroadcastLoop::for_rows(std::int64_t begin, std::int64_t end, F&& visit) const {
  if (begin >= end) return;
  const std::size_t outer = dims.size() - 1;
  Dims at(outer);
  std::array<std::int64_t, kMaxOperands> offset{};
  for (std::size_t d = outer, rest = static_cast<std::size_t>(begin); d-- > 0;) {
    at[d] = static_cast<std::int64_t>(rest % static_cast<std::size_t>(dims[d]));
    rest /= static_cast<std::size_t>(dims[d]);
    for (std::size_t k = 0; k < operands; ++k) offset[k] += at[d] * strides[d][k];
  }
  for (std::int64_t r = begin; r < end; ++r) {
    visit(r * row(), offset);
    for (std::size_t d = outer; d-- > 0;) {
      for (std::size_t k = 0; k < operands; ++k) offset[k] += strides[d][k];
      if (++at[d] < dims[d]) break;
      at[d] = 0;
      for (std::size_t k = 0; k < operands; ++k) offset[k] -= strides[d][k] * dims[d];
    }
  }
}

}  // namespace onnxopt::ref
