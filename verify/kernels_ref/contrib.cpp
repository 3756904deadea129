// com.microsoft operators that fuse standard ones (onnxruntime docs/ContribOperators.md): activations, FusedConv, FusedMatMul, layer norms with skip.
#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/codes.h"
#include "verify/kernels_ref/conv.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/fused_activation.h"
#include "verify/kernels_ref/matmul.h"
#include "verify/kernels_ref/standard.h"

namespace onnxopt::ref {

double fused_activation(const std::string& name, const Floats& p, double x) {
  const auto param = [&](std::size_t i, double otherwise) { return i < p.size() ? static_cast<double>(p[i]) : otherwise; };
  if (name.empty()) return x;
  if (name == "Relu") return x < 0 ? 0 : x;
  if (name == "Tanh") return std::tanh(x);
  if (name == "Sigmoid") return 1 / (1 + std::exp(-x));
  if (name == "LeakyRelu") return x < 0 ? param(0, 0.01) * x : x;
  if (name == "Clip") return std::clamp(x, param(0, -3.4028234663852886e38), param(1, 3.4028234663852886e38));
  if (name == "HardSigmoid") return std::clamp(param(0, 0.2) * x + param(1, 0.5), 0.0, 1.0);
  bad_input("attribute 'activation': unknown " + name);
}
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

double gelu(double x) { return 0.5 * x * (1 + std::erf(x * 0.70710678118654752440)); }
double fast_gelu(double x) { return 0.5 * x * (1 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))); }

// fn(x + bias), the bias a vector along the last dim.
template <double (*kFn)(double)>
void run_biased(KernelIo& io) {
  const Tensor& x = io.in(0);
  std::vector<double> v = widen<double>(x);
  const std::vector<double> bias = io.has(1) ? widen<double>(io.in(1)) : std::vector<double>{0.0};
  if (io.has(1) && (x.rank() == 0 || io.in(1).size() != x.dims().back()))
    bad_input(fmt::format("bias {} for {}", dims_text(io.in(1).dims()), dims_text(x.dims())));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = kFn(v[i] + bias[i % bias.size()]);
  io.set(0, narrow(x.dtype(), x.dims(), v));
}
Maybe<RunFn> prepare_quick_gelu(const OpCall& call, ExecEnv&) {
  return RunFn([alpha = static_cast<double>(attr_or<float>(call, "alpha", 1.702f))](KernelIo& io) {
    std::vector<double> v = widen<double>(io.in(0));
    for (double& e : v) e = e / (1 + std::exp(-alpha * e));
    io.set(0, narrow(io.in(0).dtype(), io.in(0).dims(), v));
  });
}

// The axis `from` at place `to`, the others in their order.
Tensor move_axis(const Tensor& x, int64_t from, int64_t to) {
  Dims dims = x.dims(), strides = strides_of(x.dims());
  for (Dims* d : {&dims, &strides}) {
    const int64_t one = (*d)[at(from)];
    d->erase(d->begin() + from);
    d->insert(d->begin() + to, one);
  }
  Codes codes(x.dtype());
  const std::byte* in = codes.add(x);
  copy_strided(codes.size(), in, codes.make(dims), dims, strides);
  return codes.finish();
}
Tensor channels_first(const Tensor& x) { return x.rank() < 3 ? x : move_axis(x, x.rank() - 1, 1); }

// Filters are [M, C / group, spatial...] as documented, or have their channels last too, as GPU kernels want them; the input's channels tell.
Tensor filters_first(const Tensor& w, int64_t channels, int64_t groups) {
  if (w.rank() < 3 || w.dims()[1] * groups == channels || w.dims().back() * groups != channels) return w;
  return channels_first(w);
}

// Conv, plus an optional fourth input Z, then an activation. kLast: X, Z and the result have their channels last.
template <bool kLast>
Maybe<RunFn> prepare_fused_conv(const OpCall& call, ExecEnv&) {
  return RunFn([attrs = read_window(call), groups = attr_or<int64_t>(call, "group", 1), name = attr_or<std::string>(call, "activation", ""),
                params = attr_or<Floats>(call, "activation_params", {})](KernelIo& io) {
    const Tensor x = kLast ? channels_first(io.in(0)) : io.in(0);
    const Tensor w = kLast && x.rank() > 1 ? filters_first(io.in(1), x.dims()[1], groups) : io.in(1);
    const Tensor y = conv(x, w, io.has(2) ? &io.in(2) : nullptr, groups, attrs);
    std::vector<double> v = widen<double>(y);
    if (io.has(3)) {
      const Tensor added = kLast ? channels_first(io.in(3)) : io.in(3);
      if (added.dims() != y.dims()) bad_input(fmt::format("Z is {}, the result {}", dims_text(added.dims()), dims_text(y.dims())));
      const std::vector<double> z = widen<double>(added);
      for (std::size_t i = 0; i < v.size(); ++i) v[i] += z[i];
    }
    for (double& e : v) e = fused_activation(name, params, e);
    const Tensor result = narrow(y.dtype(), y.dims(), v);
    io.set(0, kLast ? move_axis(result, 1, result.rank() - 1) : result);
  });
}

// The last two dims swapped; with `batch` the batch dims stand between them: [M, batch..., K] means batch... x M x K.
Tensor arrange_operand(const Tensor& x, bool trans, bool batch) {
  const auto rank = static_cast<std::size_t>(x.rank());
  if (rank < 2 || (!trans && !batch)) return x;
  Ints perm;
  for (std::size_t d = 0; d < rank; ++d) perm.push_back(static_cast<int64_t>(d));
  if (batch) std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
  if (trans) std::swap(perm[rank - 1], perm[rank - 2]);
  const Dims strides = strides_of(x.dims());
  Dims dims, moved;
  for (int64_t p : perm) {
    dims.push_back(x.dims()[at(p)]);
    moved.push_back(strides[at(p)]);
  }
  Codes codes(x.dtype());
  const std::byte* in = codes.add(x);
  copy_strided(codes.size(), in, codes.make(dims), dims, moved);
  return codes.finish();
}
Maybe<RunFn> prepare_fused_matmul(const OpCall& call, ExecEnv&) {
  const bool ta = attr_or<int64_t>(call, "transA", 0) != 0, tb = attr_or<int64_t>(call, "transB", 0) != 0;
  const bool ba = attr_or<int64_t>(call, "transBatchA", 0) != 0, bb = attr_or<int64_t>(call, "transBatchB", 0) != 0;
  return RunFn([=, alpha = static_cast<double>(attr_or<float>(call, "alpha", 1))](KernelIo& io) {
    const Tensor y = matmul(arrange_operand(io.in(0), ta, ba), arrange_operand(io.in(1), tb, bb));
    if (alpha == 1) return io.set(0, y);
    std::vector<double> v = widen<double>(y);
    for (double& e : v) e *= alpha;
    io.set(0, narrow(y.dtype(), y.dims(), v));
  });
}

// Gemm, then an activation with parameters alpha, beta, gamma.
Maybe<RunFn> prepare_fused_gemm(const OpCall& call, ExecEnv& env) {
  Floats params;
  for (const char* name : {"activation_alpha", "activation_beta", "activation_gamma"})
    if (const float* v = call.attrs->get<float>(name)) params.push_back(*v);
  return RunFn(
      [params, name = attr_or<std::string>(call, "activation", ""),
       op = StandardOp("Gemm", attrs_without(call, {"activation", "activation_alpha", "activation_beta", "activation_gamma"}), env)](KernelIo& io) {
        const Tensor y = op.one({io.in(0), io.in(1), io.has(2) ? io.value(2) : RtValue()});
        std::vector<double> v = widen<double>(y);
        for (double& e : v) e = fused_activation(name, params, e);
        io.set(0, narrow(y.dtype(), y.dims(), v));
      });
}
void run_gemm_fast_gelu(KernelIo& io) {
  const Tensor y = matmul(io.in(0), io.in(1));
  std::vector<double> v = widen<double>(y);
  const std::vector<double> bias = io.has(2) ? widen<double>(io.in(2)) : std::vector<double>{0.0};
  if (io.has(2) && (y.rank() == 0 || io.in(2).size() != y.dims().back()))
    bad_input(fmt::format("bias {} for {}", dims_text(io.in(2).dims()), dims_text(y.dims())));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = fast_gelu(v[i] + bias[i % bias.size()]);
  io.set(0, narrow(y.dtype(), y.dims(), v));
}

// (Simplified) layer norm over the last dim of input + skip + bias; outputs: result, mean, inverse deviation, the sum.
struct SkipInputs {
  std::size_t skip, gamma, beta, bias;
};  // 0: none
void skip_norm(KernelIo& io, bool rms, double epsilon, SkipInputs at_input) {
  const Tensor& x = io.in(0);
  if (x.rank() < 1) bad_input("the input must have dimensions");
  const int64_t n = x.dims().back(), rows = n == 0 ? 0 : x.size() / n;
  const auto vector_of = [&](std::size_t i, double otherwise) {
    if (i == 0 || !io.has(i)) return std::vector<double>(at(n), otherwise);
    if (io.in(i).size() != n) bad_input(fmt::format("input {} is {}, the last dimension {}", i, dims_text(io.in(i).dims()), n));
    return widen<double>(io.in(i));
  };
  const auto gamma = vector_of(at_input.gamma, 1), beta = vector_of(at_input.beta, 0), bias = vector_of(at_input.bias, 0);
  std::vector<double> v = widen<double>(x);
  if (at_input.skip) {
    const std::vector<double> skip = widen<double>(io.in(at_input.skip));
    if (skip.empty() || v.size() % skip.size() != 0)
      bad_input(fmt::format("skip {} for {}", dims_text(io.in(at_input.skip).dims()), dims_text(x.dims())));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] += skip[i % skip.size()] + bias[i % at(n)];
    io.set(3, narrow(x.dtype(), x.dims(), v));
  }
  for (int64_t r = 0; r < rows; ++r) {
    double* row = v.data() + r * n;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < n; ++i) mean += row[i] / static_cast<double>(n);
    if (rms) mean = 0;
    for (int64_t i = 0; i < n; ++i) variance += (row[i] - mean) * (row[i] - mean) / static_cast<double>(n);
    const double inverse = 1 / std::sqrt(variance + epsilon);
    for (int64_t i = 0; i < n; ++i) row[i] = (row[i] - mean) * inverse * gamma[at(i)] + beta[at(i)];
  }
  io.set(0, narrow(x.dtype(), x.dims(), v));
}
template <bool kRms>
Maybe<RunFn> prepare_skip_norm(const OpCall& call, ExecEnv&) {
  const double epsilon = attr_or<float>(call, "epsilon", 1e-12f);
  return RunFn([epsilon](KernelIo& io) { skip_norm(io, kRms, epsilon, kRms ? SkipInputs{1, 2, 0, 3} : SkipInputs{1, 2, 3, 4}); });
}

constexpr Kernel kKernels[] = {
    {"com.microsoft", "Gelu", 1, kAnyVersion, simple<run_biased<gelu>>},
    {"com.microsoft", "BiasGelu", 1, kAnyVersion, simple<run_biased<gelu>>},
    {"com.microsoft", "FastGelu", 1, kAnyVersion, simple<run_biased<fast_gelu>>},
    {"com.microsoft", "QuickGelu", 1, kAnyVersion, prepare_quick_gelu},
    {"com.microsoft", "FusedConv", 1, kAnyVersion, prepare_fused_conv<false>},
    {"com.microsoft", "NhwcConv", 1, kAnyVersion, prepare_fused_conv<true>},
    {"com.microsoft", "NhwcFusedConv", 1, kAnyVersion, prepare_fused_conv<true>},
    {"com.microsoft", "FusedMatMul", 1, kAnyVersion, prepare_fused_matmul},
    {"com.microsoft", "TransposeMatMul", 1, kAnyVersion, prepare_fused_matmul},
    {"com.microsoft", "FusedGemm", 1, kAnyVersion, prepare_fused_gemm},
    {"com.microsoft", "GemmFastGelu", 1, kAnyVersion, simple<run_gemm_fast_gelu>},
    {"com.microsoft", "SkipLayerNormalization", 1, kAnyVersion, prepare_skip_norm<false>},
    {"com.microsoft", "SkipSimplifiedLayerNormalization", 1, kAnyVersion, prepare_skip_norm<true>},
};

}  // namespace

std::span<const Kernel> contrib_kernels() { return kKernels; }

}  // namespace onnxopt::ref
