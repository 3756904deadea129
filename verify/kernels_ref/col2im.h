// Adds unrolled columns back into an image: the transpose of unrolling.
#pragma once

#include "verify/kernels_ref/window.h"

namespace onnxopt::ref {

// columns: [channels][taps][positions of the window]; image: [channels][w.in], added to.
template <class C>
void col2im(const Window& w, std::int64_t channels, const C* columns, C* image) {
  const std::int64_t taps = w.kernel_size(), positions = w.out_size(), plane = w.in_size();
  const std::size_t last = w.rank() - 1;
  Dims k(w.rank());
  for (std::int64_t tap = 0; tap < taps; ++tap, next_position(k, w.kernel)) {
    Dims lines(w.out.begin(), w.out.end() - 1), at(last);
    for (std::int64_t j = 0; j < positions; j += w.out[last], next_position(at, lines)) {
      std::int64_t row = 0;
      bool inside = true;
      for (std::size_t d = 0; d < last; ++d) {
        const std::int64_t p = at[d] * w.stride[d] - w.pad_begin[d] + k[d] * w.dilation[d];
        inside &= p >= 0 && p < w.in[d];
        row = row * w.in[d] + p;
      }
      if (!inside) continue;
      const std::int64_t offset = k[last] * w.dilation[last] - w.pad_begin[last];
      for (std::int64_t c = 0; c < channels; ++c) {
        C* to = image + c * plane + row * w.in[last];
        const C* from = columns + (c * taps + tap) * positions + j;
        for (std::int64_t i = 0; i < w.out[last]; ++i) {
          const std::int64_t p = i * w.stride[last] + offset;
          if (p >= 0 && p < w.in[last]) to[p] += from[i];
        }
      }
    }
  }
}

}  // namespace onnxopt::ref
