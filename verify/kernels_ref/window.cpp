#include "verify/kernels_ref/window.h"

#include <algorithm>

namespace onnxopt::ref {

using std::int64_t;

WindowAttrs read_window(const OpCall& call) {
  WindowAttrs w;
  w.kernel = attr_or<Ints>(call, "kernel_shape", {});
  w.strides = attr_or<Ints>(call, "strides", {});
  w.dilations = attr_or<Ints>(call, "dilations", {});
  w.pads = attr_or<Ints>(call, "pads", {});
  w.auto_pad = attr_or<std::string>(call, "auto_pad", "NOTSET");
  w.ceil_mode = attr_or<int64_t>(call, "ceil_mode", 0) != 0;
  return w;
}

namespace {

Dims sized(const Dims& stated, std::size_t n, int64_t otherwise, const char* name) {
  if (stated.empty()) return Dims(n, otherwise);
  if (stated.size() != n) bad_input(fmt::format("attribute '{}' has {} entries, not {}", name, stated.size(), n));
  return stated;
}

void positive(const Dims& values, const char* name) {
  for (int64_t v : values)
    if (v < 1 || v > INT32_MAX) bad_input(fmt::format("attribute '{}' has {}", name, v));
}

}  // namespace

Window make_window(const WindowAttrs& a, const Dims& in, const Dims& kernel) {
  const std::size_t n = in.size();
  Window w;
  w.in = in;
  w.kernel = kernel;
  if (kernel.size() != n) bad_input(fmt::format("kernel {} for {} spatial dimensions", dims_text(kernel), n));
  w.stride = sized(a.strides, n, 1, "strides");
  w.dilation = sized(a.dilations, n, 1, "dilations");
  const Dims pads = sized(a.pads, 2 * n, 0, "pads");
  positive(w.kernel, "kernel_shape");
  positive(w.stride, "strides");
  positive(w.dilation, "dilations");
  for (int64_t p : pads)
    if (p < -INT32_MAX || p > INT32_MAX) bad_input(fmt::format("attribute 'pads' has {}", p));
  for (std::size_t d = 0; d < n; ++d) {
    const int64_t extent = (w.kernel[d] - 1) * w.dilation[d] + 1;
    int64_t begin = 0, end = 0, out = 0;
    if (a.auto_pad == "SAME_UPPER" || a.auto_pad == "SAME_LOWER") {
      out = (in[d] + w.stride[d] - 1) / w.stride[d];
      const int64_t total = std::max<int64_t>(0, (out - 1) * w.stride[d] + extent - in[d]);
      begin = a.auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      end = total - begin;
    } else {
      if (a.auto_pad == "NOTSET" || a.auto_pad.empty()) begin = pads[d], end = pads[d + n];
      else if (a.auto_pad != "VALID") bad_input("attribute 'auto_pad' must be NOTSET, SAME_UPPER, SAME_LOWER or VALID, not " + a.auto_pad);
      const int64_t room = in[d] + begin + end - extent;
      if (room < 0) bad_input(fmt::format("a window of {} does not fit into {} (pads {}, {})", extent, in[d], begin, end));
      out = room / w.stride[d] + 1;
      if (a.ceil_mode) {  // rounded up, but no window may start in the end padding, be the division exact or not
        out = (room + w.stride[d] - 1) / w.stride[d] + 1;
        if ((out - 1) * w.stride[d] >= in[d] + begin) --out;
      }
    }
    w.pad_begin.push_back(begin);
    w.pad_end.push_back(end);
    w.out.push_back(out);
  }
  return w;
}

Window Window::padded_to(std::size_t rank) const {
  Window r = *this;
  for (std::size_t i = in.size(); i < rank; ++i) {
    for (Dims* d : {&r.in, &r.kernel, &r.stride, &r.dilation, &r.out}) d->insert(d->begin(), 1);
    for (Dims* d : {&r.pad_begin, &r.pad_end}) d->insert(d->begin(), 0);
  }
  return r;
}

bool next_position(Dims& at, const Dims& dims) {
  for (std::size_t d = dims.size(); d-- > 0;) {
    if (++at[d] < dims[d]) return true;
    at[d] = 0;
  }
  return false;
}

}  // namespace onnxopt::ref
