// QuantizeLinear, DequantizeLinear and the integer products and convolutions. Integer sums are exact: they stay below 2^53 in double.
#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/broadcast.h"
#include "verify/kernels_ref/conv.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/lines.h"
#include "verify/kernels_ref/matmul.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

double round_value(DType t, double v) {
  if (t == DType::float64) return v;
  if (t == DType::float32) return static_cast<double>(static_cast<float>(v));
  std::uint64_t room = 0;
  store_element<double>(t, reinterpret_cast<std::byte*>(&room), 0, v);
  return load_element<double>(t, reinterpret_cast<const std::byte*>(&room), 0);
}

// Which scale belongs to an element: one for all, one an index of `axis`, or one a block along `axis`.
class ScaleMap {
 public:
  ScaleMap(const Dims& x, const Tensor& scale, int64_t stated_axis, int64_t block) {
    if (scale.size() == 1 && scale.rank() <= 1) return;
    const auto rank = static_cast<int64_t>(x.size());
    axis_ = at(normalize_axis(stated_axis, rank));
    inner_ = product(x, axis_ + 1);
    length_ = x[axis_];
    if (scale.rank() == 1) {
      if (scale.size() != length_) bad_input(fmt::format("{} scales for an axis of {}", scale.size(), length_));
      kind_ = Kind::axis;
      return;
    }
    Dims expected = x;
    blocks_ = scale.rank() == rank ? scale.dims()[axis_] : 0;
    block_ = block != 0 ? block : blocks_ == 0 ? 0 : (length_ + blocks_ - 1) / blocks_;
    if (block_ <= 0 || blocks_ != (length_ + block_ - 1) / block_)
      bad_input(fmt::format("scale {} for {} in blocks of {}", dims_text(scale.dims()), dims_text(x), block));
    expected[axis_] = blocks_;
    if (scale.dims() != expected) bad_input(fmt::format("scale {} for {} in blocks of {}", dims_text(scale.dims()), dims_text(x), block));
    kind_ = Kind::block;
  }
  std::size_t operator()(int64_t i) const {
    if (kind_ == Kind::one) return 0;
    const int64_t position = i / inner_ % length_;
    if (kind_ == Kind::axis) return at(position);
    return at((i / (inner_ * length_) * blocks_ + position / block_) * inner_ + i % inner_);
  }

 private:
  enum class Kind { one, axis, block } kind_ = Kind::one;
  std::size_t axis_ = 0;
  int64_t inner_ = 1, length_ = 1, block_ = 1, blocks_ = 1;
};

std::vector<double> zero_points(const Tensor* z, const Tensor& scale) {
  if (z == nullptr) return std::vector<double>(at(scale.size()), 0.0);
  if (z->size() != scale.size()) bad_input(fmt::format("zero point {} for scale {}", dims_text(z->dims()), dims_text(scale.dims())));
  return widen<double>(*z);
}

double saturate(double v, DType t) { return std::isnan(v) ? 0 : std::clamp(v, lowest_value(t), highest_value(t)); }

struct QuantAttrs {
  int64_t axis, block;
  DType output, precision;
  NarrowOptions narrow;
};
QuantAttrs read_quant(const OpCall& call) {
  const int64_t output = attr_or<int64_t>(call, "output_dtype", 0), precision = attr_or<int64_t>(call, "precision", 0);
  if ((output != 0 && !is_known_dtype(output)) || (precision != 0 && !is_known_dtype(precision)))
    bad_input("output_dtype or precision is no element type");
  QuantAttrs a{
      attr_or<int64_t>(call, "axis", 1), attr_or<int64_t>(call, "block_size", 0), static_cast<DType>(output), static_cast<DType>(precision), {}};
  a.narrow.saturate = attr_or<int64_t>(call, "saturate", 1) != 0;
  return a;
}

// The quotient is rounded to the precision of the division (the type of the scale) before it is rounded to an integer, ties to even.
Maybe<RunFn> prepare_quantize(const OpCall& call, ExecEnv&) {
  return RunFn([a = read_quant(call)](KernelIo& io) {
    const Tensor &x = io.in(0), &scale = io.in(1);
    const Tensor* z = io.has(2) ? &io.in(2) : nullptr;
    const DType t = z ? z->dtype() : a.output != DType::undefined ? a.output : DType::uint8;
    const DType precision = a.precision != DType::undefined ? a.precision : scale.dtype();
    const ScaleMap map(x.dims(), scale, a.axis, a.block);
    const std::vector<double> s = widen<double>(scale), zero = zero_points(z, scale);
    std::vector<double> v = widen<double>(x);
    for (std::size_t i = 0; i < v.size(); ++i) {
      const std::size_t k = map(static_cast<int64_t>(i));
      const double q = round_value(precision, v[i] / round_value(precision, s[k]));
      v[i] = is_integer(t) ? saturate(std::nearbyint(q) + zero[k], t) : q + zero[k];
    }
    io.set(0, narrow(t, x.dims(), v, a.narrow));
  });
}
Maybe<RunFn> prepare_dequantize(const OpCall& call, ExecEnv&) {
  return RunFn([a = read_quant(call)](KernelIo& io) {
    const Tensor &x = io.in(0), &scale = io.in(1);
    const ScaleMap map(x.dims(), scale, a.axis, a.block);
    const std::vector<double> s = widen<double>(scale), zero = zero_points(io.has(2) ? &io.in(2) : nullptr, scale);
    std::vector<double> v = widen<double>(x);
    for (std::size_t i = 0; i < v.size(); ++i) {
      const std::size_t k = map(static_cast<int64_t>(i));
      v[i] = (v[i] - zero[k]) * s[k];
    }
    io.set(0, narrow(a.output != DType::undefined ? a.output : scale.dtype(), x.dims(), v));
  });
}

void run_dynamic_quantize(KernelIo& io) {
  const Tensor& x = io.in(0);
  const std::vector<double> v = widen<double>(x);
  double low = 0, high = 0;
  for (double e : v) low = std::min(low, e), high = std::max(high, e);
  const auto scale = static_cast<float>(static_cast<float>(high - low) / 255.0f);
  const double s = scale == 0 ? 1.0 : static_cast<double>(scale);
  const double nearest = std::nearbyint(static_cast<double>(static_cast<float>(-low / s)));
  const double zero = std::isnan(nearest) ? 0.0 : std::clamp(nearest, 0.0, 255.0);  // of infinities there is none
  std::vector<double> q(v.size());
  for (std::size_t i = 0; i < v.size(); ++i) q[i] = saturate(std::nearbyint(static_cast<double>(static_cast<float>(v[i] / s))) + zero, DType::uint8);
  io.set(0, narrow(DType::uint8, x.dims(), q));
  io.set(1, Tensor::scalar(static_cast<float>(s)));
  io.set(2, Tensor::scalar(static_cast<std::uint8_t>(zero)));
}

// x minus its zero point as float64. A vector of zero points counts rows of a left operand (`rows`), the last dim otherwise.
Tensor centered(const Tensor& x, const Tensor* z, bool rows) {
  std::vector<double> v = widen<double>(x);
  if (z) {
    const std::vector<double> zero = widen<double>(*z);
    Dims dims = z->dims();
    if (dims.size() == 1 && dims[0] != 1 && rows) dims.push_back(1);
    if (z->size() == 1) dims.clear();
    if (broadcast(x.dims(), dims) != x.dims()) bad_input(fmt::format("zero point {} for {}", dims_text(z->dims()), dims_text(x.dims())));
    const Dims* shapes[] = {&x.dims(), &dims};
    const BroadcastLoop loop(shapes);
    const int64_t step = loop.strides.back()[1];
    loop.for_rows(0, loop.rows(), [&](int64_t to, const auto& o) {
      for (int64_t i = 0; i < loop.row(); ++i) v[at(to + i)] -= zero[at(o[1] + i * step)];
    });
  }
  return narrow(DType::float64, x.dims(), v);
}
const Tensor* optional_in(const KernelIo& io, std::size_t i) { return io.has(i) ? &io.in(i) : nullptr; }

void run_matmul_integer(KernelIo& io) {
  const Tensor y = matmul(centered(io.in(0), optional_in(io, 2), true), centered(io.in(1), optional_in(io, 3), false));
  io.set(0, narrow(DType::int32, y.dims(), widen<double>(y)));
}

// sum * (scale_a * scale_b / scale_y), the multiplier in float as runtimes have it.
double requantize(double sum, double a, double b, double y, double zero, DType t) {
  const float multiplier = static_cast<float>(a) * static_cast<float>(b) / static_cast<float>(y);
  return saturate(std::nearbyint(static_cast<double>(static_cast<float>(sum) * multiplier)) + zero, t);
}
double pick(const std::vector<double>& v, int64_t i) {
  if (v.empty()) bad_input("a scale, zero point or bias without elements");
  return v[v.size() == 1 ? 0 : at(i) % v.size()];
}

void run_qlinear_matmul(KernelIo& io) {
  const Tensor y = matmul(centered(io.in(0), &io.in(2), true), centered(io.in(3), &io.in(5), false));
  const auto sa = widen<double>(io.in(1)), sb = widen<double>(io.in(4)), sy = widen<double>(io.in(6)), zy = widen<double>(io.in(7));
  std::vector<double> v = widen<double>(y);
  const int64_t n = io.in(3).rank() == 1 ? 1 : io.in(3).dims().back();
  for (int64_t i = 0; i < y.size(); ++i)
    v[at(i)] = requantize(v[at(i)], pick(sa, i / n), pick(sb, i % n), pick(sy, i / n), pick(zy, i / n), io.in(7).dtype());
  io.set(0, narrow(io.in(7).dtype(), y.dims(), v));
}

std::vector<double> conv_sums(const ConvShape& s, const Tensor& x, const Tensor* xz, const Tensor& w, const Tensor* wz) {
  std::vector<double> weights = widen<double>(w);
  if (wz) {
    const std::vector<double> zero = widen<double>(*wz);
    const int64_t taps = w.dims()[0] == 0 ? 0 : w.size() / w.dims()[0];
    if (wz->size() != 1 && wz->size() != w.dims()[0]) bad_input(fmt::format("weight zero point {}", dims_text(wz->dims())));
    for (int64_t i = 0; i < w.size(); ++i) weights[at(i)] -= pick(zero, i / taps);
  }
  if (xz && xz->size() != 1) bad_input("the zero point of the input must be one value");
  return conv_double(s, widen<double>(centered(x, xz, false)), weights, nullptr);
}
Maybe<RunFn> prepare_conv_integer(const OpCall& call, ExecEnv&) {
  return RunFn([attrs = read_window(call), groups = attr_or<int64_t>(call, "group", 1)](KernelIo& io) {
    const ConvShape s = conv_shape(io.in(0).dims(), io.in(1).dims(), groups, attrs);
    io.set(0, narrow(DType::int32, s.out(), conv_sums(s, io.in(0), optional_in(io, 2), io.in(1), optional_in(io, 3))));
  });
}
Maybe<RunFn> prepare_qlinear_conv(const OpCall& call, ExecEnv&) {
  return RunFn([attrs = read_window(call), groups = attr_or<int64_t>(call, "group", 1)](KernelIo& io) {
    const ConvShape s = conv_shape(io.in(0).dims(), io.in(3).dims(), groups, attrs);
    std::vector<double> v = conv_sums(s, io.in(0), &io.in(2), io.in(3), &io.in(5));
    const double sx = scalar_of<double>(io.in(1)), sy = scalar_of<double>(io.in(6)), zero = scalar_of<double>(io.in(7));
    const auto sw = widen<double>(io.in(4)), bias = io.has(8) ? widen<double>(io.in(8)) : std::vector<double>{0.0};
    const int64_t positions = s.window.out_size();
    for (std::size_t i = 0; i < v.size(); ++i) {
      const int64_t c = static_cast<int64_t>(i) / positions % s.out_channels;
      v[i] = requantize(v[i] + pick(bias, c), sx, pick(sw, c), sy, zero, io.in(7).dtype());
    }
    io.set(0, narrow(io.in(7).dtype(), s.out(), v));
  });
}

constexpr Kernel kKernels[] = {
    {"", "QuantizeLinear", 10, kAnyVersion, prepare_quantize},
    {"", "DequantizeLinear", 10, kAnyVersion, prepare_dequantize},
    {"", "DynamicQuantizeLinear", 11, kAnyVersion, simple<run_dynamic_quantize>},
    {"", "MatMulInteger", 10, kAnyVersion, simple<run_matmul_integer>},
    {"", "QLinearMatMul", 10, kAnyVersion, simple<run_qlinear_matmul>},
    {"", "ConvInteger", 10, kAnyVersion, prepare_conv_integer},
    {"", "QLinearConv", 10, kAnyVersion, prepare_qlinear_conv},
    {"com.microsoft", "QuantizeLinear", 1, kAnyVersion, prepare_quantize},
    {"com.microsoft", "DequantizeLinear", 1, kAnyVersion, prepare_dequantize},
};

}  // namespace

std::span<const Kernel> quant_kernels() { return kKernels; }

}  // namespace onnxopt::ref
