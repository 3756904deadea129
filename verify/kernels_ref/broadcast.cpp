#include "verify/kernels_ref/broadcast.h"

namespace onnxopt::ref {

BroadcastLoop::BroadcastLoop(std::span<const Dims* const> shapes) : operands(shapes.size()) {
  ONNXOPT_CHECK(operands <= kMaxOperands, "too many operands");
  for (const Dims* s : shapes) out = broadcast(out, *s);
  std::vector<Dims> own;
  for (const Dims* s : shapes) own.push_back(strides_of(*s));
  for (std::size_t d = 0; d < out.size(); ++d) {
    if (out[d] == 1) continue;
    std::array<std::int64_t, kMaxOperands> stride{};
    for (std::size_t k = 0; k < operands; ++k) {
      const std::size_t missing = out.size() - shapes[k]->size();
      if (d >= missing && (*shapes[k])[d - missing] != 1) stride[k] = own[k][d - missing];
    }
    // The outer dim merges with this one if every operand walks both in one stride.
    bool merges = !dims.empty();
    for (std::size_t k = 0; merges && k < operands; ++k) merges = strides.back()[k] == stride[k] * out[d];
    if (merges) {
      dims.back() *= out[d];
      strides.back() = stride;
    } else {
      dims.push_back(out[d]);
      strides.push_back(stride);
    }
  }
  if (dims.empty()) {
    dims.push_back(product(out));
    strides.push_back({});
  }
}

}  // namespace onnxopt::ref
