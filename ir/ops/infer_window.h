// The sliding window of convolutions and pools.
#pragma once

#include <optional>
#include <string>

#include "ir/ops/infer.h"

namespace onnxopt::infer_fn {

// kernel_shape, strides, pads, dilations, auto_pad of a node, completed with their defaults for `spatial` axes.
struct Window {
  std::vector<Dim> kernel;
  Ints strides, pads, dilations;
  bool same = false;  // auto_pad SAME_UPPER or SAME_LOWER
  bool ceil_mode = false;
};

// Fails where a list has another length than `spatial`. `weight`: where kernel_shape comes from if the attribute is missing; its first two (channels
// last: first and last) axes are not spatial.
Window read_window(InferCtx& ctx, std::size_t spatial, const Shape* weight = nullptr);
Dim window_count(InferCtx& ctx, const Window& w, std::size_t axis, Dim size);
// Shape of a convolution of input x with weight w; null where the rank is not known.
std::optional<Shape> conv_shape(InferCtx& ctx, const Shape* x, const Shape* w);
std::optional<Shape> pool_shape(InferCtx& ctx, const Shape* x);

}  // namespace onnxopt::infer_fn
