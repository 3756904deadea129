// Convolutions on tensors, for kernels that contain one.
#pragma once

#include "verify/kernels_ref/window.h"

namespace onnxopt::ref {

struct ConvShape {
  std::int64_t batch, groups, in_channels, out_channels;  // channels of all groups
  Window window;
  Dims out() const;  // N, C, spatial
};
ConvShape conv_shape(const Dims& x, const Dims& w, std::int64_t groups, const WindowAttrs& attrs);

// Float32 path: y[n, c, ...] with optional bias [out_channels].
void conv_float(const ConvShape& s, const float* x, const float* w, const float* bias, float* y);
// Any rank, plain loops; exact for integers below 2^53.
std::vector<double> conv_double(const ConvShape& s, const std::vector<double>& x, const std::vector<double>& w, const double* bias);
// Conv on tensors of any floating type; `bias` may be null.
Tensor conv(const Tensor& x, const Tensor& w, const Tensor* bias, std::int64_t groups, const WindowAttrs& attrs);

}  // namespace onnxopt::ref
