// NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss, and SwiGLU, Det.
#include <cmath>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/lines.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct LossAttrs {
  std::string reduction;
  bool has_ignore;
  int64_t ignore;
};
LossAttrs read_loss(const OpCall& call) {
  LossAttrs a{attr_or<std::string>(call, "reduction", "mean"), has_attr(call, "ignore_index"), attr_or<int64_t>(call, "ignore_index", 0)};
  if (a.reduction != "mean" && a.reduction != "sum" && a.reduction != "none")
    bad_input("attribute 'reduction' must be mean, sum or none, not " + a.reduction);
  return a;
}

// -weight[target] * log_prob[target] for every sample, then reduced; log_prob: [N, C, ...].
Tensor nll(const LossAttrs& a, DType t, const Dims& dims, const std::vector<double>& log_prob, const Tensor& target, const Tensor* weight) {
  if (dims.size() < 2) bad_input(fmt::format("the input is {}, not N x C", dims_text(dims)));
  const Lines lines(dims, 1);
  Dims samples = dims;
  samples.erase(samples.begin() + 1);
  if (target.dims() != samples) bad_input(fmt::format("input {}, target {}", dims_text(dims), dims_text(target.dims())));
  const Ints targets = ints_of(target);
  const std::vector<double> weights = weight ? widen<double>(*weight) : std::vector<double>(at(lines.length), 1.0);
  if (static_cast<int64_t>(weights.size()) != lines.length) bad_input(fmt::format("{} weights for {} classes", weights.size(), lines.length));
  std::vector<double> loss(targets.size());
  double sum = 0, applied = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (a.has_ignore && targets[i] == a.ignore) continue;
    if (targets[i] < 0 || targets[i] >= lines.length) bad_input(fmt::format("target {} of {} classes", targets[i], lines.length));
    const double w = weights[at(targets[i])];
    loss[i] = -w * log_prob[at(lines.start(static_cast<int64_t>(i)) + targets[i] * lines.inner)];
    sum += loss[i];
    applied += w;
  }
  if (a.reduction == "none") return narrow(t, samples, loss);
  return narrow<double>(t, {}, {a.reduction == "sum" ? sum : sum / applied});
}

Maybe<RunFn> prepare_nll(const OpCall& call, ExecEnv&) {
  return RunFn([a = read_loss(call)](KernelIo& io) {
    const Tensor& x = io.in(0);
    io.set(0, nll(a, x.dtype(), x.dims(), widen<double>(x), io.in(1), io.has(2) ? &io.in(2) : nullptr));
  });
}

Maybe<RunFn> prepare_cross_entropy(const OpCall& call, ExecEnv&) {
  return RunFn([a = read_loss(call)](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() < 2) bad_input(fmt::format("the scores are {}, not N x C", dims_text(x.dims())));
    const Lines lines(x.dims(), 1);
    std::vector<double> v = widen<double>(x);
    for (int64_t i = 0; i < lines.count(); ++i) {
      double* line = v.data() + lines.start(i);
      double top = -HUGE_VAL, sum = 0;
      for (int64_t c = 0; c < lines.length; ++c) top = std::max(top, line[c * lines.inner]);
      for (int64_t c = 0; c < lines.length; ++c) sum += std::exp(line[c * lines.inner] - top);
      for (int64_t c = 0; c < lines.length; ++c) line[c * lines.inner] -= top + std::log(sum);
    }
    io.set(0, nll(a, x.dtype(), x.dims(), v, io.in(1), io.has(2) ? &io.in(2) : nullptr));
    io.set(1, narrow(x.dtype(), x.dims(), v));
  });
}

Maybe<RunFn> prepare_swiglu(const OpCall& call, ExecEnv&) {
  return RunFn([alpha = static_cast<double>(attr_or<float>(call, "alpha", 1))](KernelIo& io) {
    const Tensor &a = io.in(0), &b = io.in(1);
    if (a.dims() != b.dims() || a.dtype() != b.dtype()) bad_input(fmt::format("A is {}, B {}", dims_text(a.dims()), dims_text(b.dims())));
    std::vector<double> x = widen<double>(a);
    const std::vector<double> y = widen<double>(b);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = x[i] / (1 + std::exp(-alpha * x[i])) * y[i];
    io.set(0, narrow(a.dtype(), a.dims(), x));
  });
}

// Gaussian elimination with partial pivoting.
double determinant(double* m, int64_t n) {
  double det = 1;
  for (int64_t c = 0; c < n; ++c) {
    int64_t pivot = c;
    for (int64_t r = c + 1; r < n; ++r)
      if (std::abs(m[r * n + c]) > std::abs(m[pivot * n + c])) pivot = r;
    if (m[pivot * n + c] == 0) return 0;
    if (pivot != c) {
      for (int64_t k = 0; k < n; ++k) std::swap(m[pivot * n + k], m[c * n + k]);
      det = -det;
    }
    det *= m[c * n + c];
    for (int64_t r = c + 1; r < n; ++r) {
      const double f = m[r * n + c] / m[c * n + c];
      for (int64_t k = c; k < n; ++k) m[r * n + k] -= f * m[c * n + k];
    }
  }
  return det;
}
void run_det(KernelIo& io) {
  const Tensor& x = io.in(0);
  if (x.rank() < 2 || x.dims().back() != x.dims()[at(x.rank() - 2)])
    bad_input(fmt::format("the input is {}, not square matrices", dims_text(x.dims())));
  const int64_t n = x.dims().back();
  const Dims out(x.dims().begin(), x.dims().end() - 2);
  std::vector<double> v = widen<double>(x), dets(at(element_count(out)));
  for (std::size_t i = 0; i < dets.size(); ++i) dets[i] = determinant(v.data() + i * at(n * n), n);
  io.set(0, narrow(x.dtype(), out, dets));
}

constexpr Kernel kKernels[] = {
    {"", "NegativeLogLikelihoodLoss", 12, kAnyVersion, prepare_nll},
    {"", "SoftmaxCrossEntropyLoss", 12, kAnyVersion, prepare_cross_entropy},
    {"", "SwiGLU", 28, kAnyVersion, prepare_swiglu},
    {"", "Det", 11, kAnyVersion, simple<run_det>},
};

}  // namespace

std::span<const Kernel> loss_kernels() { return kKernels; }

}  // namespace onnxopt::ref
