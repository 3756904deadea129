// Arithmetic on constant weights for fusions: per-channel scales and shifts of Conv, ConvTranspose, Gemm and MatMul. Everything is computed in double
// and rounded once. Own loops, not the Evaluator: weights may be gigabytes, and a fused scale is one multiplication an element.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "passes/fusion/scale_weights.h"
#include "passes/rewrite/rule.h"

namespace onnxopt {

// float16, bfloat16, float32, float64: the types that fused weights are computed in.
bool is_weight_type(DType t);
std::vector<double> to_doubles(const Tensor& t);  // CHECKs is_weight_type or an integer type
Tensor from_doubles(DType t, Dims dims,
                    std::span<const double> values);  // empty Tensor if a value does not stay finite in `t`, or all become too small
// The only element of a constant of a weight type; nullopt: not constant, or more elements.
std::optional<double> scalar_of(const Value* v, const PassContext& ctx);
bool is_scalar(const Value* v, double wanted, const PassContext& ctx, double rel_tolerance = 0);
// Elements of a constant integer tensor (axes, pads, shapes).
std::optional<Ints> ints_of(const Value* v, const PassContext& ctx);

// y[c] = scale[c] * x[c] + shift[c] along one channel axis.
struct ChannelAffine {
  std::vector<double> scale, shift;
  bool shifts() const;  // some shift is not zero
};
// Elements of `c` as one value a channel, where numpy broadcasting puts it along `axis` of a tensor of `rank` and nowhere else, and does not raise
// the rank; nullopt otherwise.
std::optional<std::vector<double>> channel_values(const Tensor& c, std::int64_t rank, std::int64_t axis, std::int64_t channels);
// What `n` (Mul, Div, Add, Sub with a constant, or inference BatchNormalization) does to its input `operand`.
std::optional<ChannelAffine> channel_affine(const Node& n, std::size_t operand, std::int64_t rank, std::int64_t axis, std::int64_t channels,
                                            const PassContext& ctx);
// Could channel_affine succeed? Looks at ops and constness only; cheap.
bool may_be_affine(const Node& n, std::size_t operand, const PassContext& ctx);
// Constant of a weight type; null: none.
const Tensor* weight_of(const Value* v, const PassContext& ctx);

// Conv or ConvTranspose with constant weights and no or constant bias.
struct ConstConv {
  const Node* node = nullptr;
  Tensor w, b;  // b empty: no bias
  bool transposed = false;
  std::int64_t group = 1, out_channels = 0, in_channels = 0, kernel = 1;  // kernel: taps per channel pair
  std::int64_t rank() const { return w.rank(); }
  Tensor scale_outputs(std::span<const double> s) const;  // empty: not finite
  Tensor scale_inputs(std::span<const double> s) const;
  std::vector<double> response(std::span<const double> x) const;  // per output channel: sum over taps and inputs of w * x[input channel]
  std::vector<double> bias() const;                               // zeros if absent
};
std::optional<ConstConv> const_conv(const Node& n, const PassContext& ctx);
// The same node with other weights and bias; a bias of all zeros is left away. `x`: its data input. Abandons the rewrite if a value
// is not finite.
Value* rebuild_conv(Rewriter& rw, const ConstConv& conv, Value* x, const Tensor& w, std::span<const double> bias);

// The constant's own data would be recomputed in a smaller or different way by integer kernels of a runtime: values around quantization stay.
bool is_quantized(const Value* v);    // comes from DequantizeLinear
bool feeds_quantize(const Value& v);  // some user is QuantizeLinear

}  // namespace onnxopt
