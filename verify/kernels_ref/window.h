// The sliding windows of convolutions and pools: kernel, strides, dilations, pads, automatic padding, output sizes.
#pragma once

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {

// Attributes as stated; lists may be empty (defaults).
struct WindowAttrs {
  Dims kernel, strides, dilations, pads;
  std::string auto_pad = "NOTSET";
  bool ceil_mode = false;
};
WindowAttrs read_window(const OpCall& call);

// One entry a spatial dim.
struct Window {
  Dims in, kernel, stride, dilation, pad_begin, pad_end, out;
  std::size_t rank() const { return in.size(); }
  std::int64_t kernel_size() const { return product(kernel); }
  std::int64_t in_size() const { return product(in); }
  std::int64_t out_size() const { return product(out); }
  // The same with leading dims of one, so that loops of three dims serve one and two.
  Window padded_to(std::size_t rank) const;
};
// `in`: spatial dims of the input; `kernel`: of the weights (or the attribute).
Window make_window(const WindowAttrs& attrs, const Dims& in, const Dims& kernel);

// Calls tap(offset in the kernel, offset in the input) for the taps of output position `at` that fall inside the input.
template <class F>
void for_taps(const Window& w, const Dims& at, F tap) {
  const std::size_t rank = w.rank();
  Dims k(rank);
  for (std::int64_t i = 0, n = w.kernel_size(); i < n; ++i) {
    std::int64_t offset = 0;
    bool inside = true;
    for (std::size_t d = 0; d < rank; ++d) {
      const std::int64_t p = at[d] * w.stride[d] - w.pad_begin[d] + k[d] * w.dilation[d];
      inside &= p >= 0 && p < w.in[d];
      offset = offset * w.in[d] + p;
    }
    if (inside) tap(i, offset);
    for (std::size_t d = rank; d-- > 0;) {
      if (++k[d] < w.kernel[d]) break;
      k[d] = 0;
    }
  }
}
// Advances a position inside `dims`; false after the last.
bool next_position(Dims& at, const Dims& dims);

}  // namespace onnxopt::ref
