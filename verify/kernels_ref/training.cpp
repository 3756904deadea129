// ai.onnx.preview.training: one step of an optimizer. Inputs: R (rate), T (number of updates), then all X, all G (gradients), then the state.
#include <cmath>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using Vec = std::vector<double>;

// Calls step(x, g, state...) for each optimized tensor and stores what it leaves in x and the states.
template <std::size_t kStates, class F>
void each_tensor(KernelIo& io, F&& step) {
  constexpr std::size_t kGroups = 2 + kStates;
  if (io.num_inputs() < 2 + kGroups || (io.num_inputs() - 2) % kGroups != 0)
    bad_input(fmt::format("{} inputs: R, T and {} for each optimized tensor are expected", io.num_inputs(), kGroups));
  const std::size_t n = (io.num_inputs() - 2) / kGroups;
  for (std::size_t i = 0; i < n; ++i) {
    Vec v[kGroups];
    for (std::size_t k = 0; k < kGroups; ++k) {
      v[k] = widen<double>(io.in(2 + k * n + i));
      if (v[k].size() != v[0].size()) bad_input(fmt::format("tensors of {} and {} elements belong together", v[0].size(), v[k].size()));
    }
    for (std::size_t e = 0; e < v[0].size(); ++e) {
      if constexpr (kStates == 1) step(v[0][e], v[1][e], v[2][e]);
      else step(v[0][e], v[1][e], v[2][e], v[3][e]);
    }
    const Tensor& x = io.in(2 + i);
    io.set(i, narrow(x.dtype(), x.dims(), v[0]));
    for (std::size_t k = 2; k < kGroups; ++k) {
      const Tensor& state = io.in(2 + k * n + i);
      io.set((k - 1) * n + i, narrow(state.dtype(), state.dims(), v[k]));
    }
  }
}

Maybe<RunFn> prepare_adagrad(const OpCall& call, ExecEnv&) {
  const double norm = attr<float>(call, "norm_coefficient"), decay = attr<float>(call, "decay_factor"), epsilon = attr<float>(call, "epsilon");
  return RunFn([=](KernelIo& io) {
    const double rate = scalar_of<double>(io.in(0)) / (1 + scalar_of<double>(io.in(1)) * decay);
    each_tensor<1>(io, [=](double& x, double g, double& h) {
      g += norm * x;
      h += g * g;
      x -= rate * g / (std::sqrt(h) + epsilon);
    });
  });
}

Maybe<RunFn> prepare_adam(const OpCall& call, ExecEnv&) {
  const double norm = attr<float>(call, "norm_coefficient"), after = attr<float>(call, "norm_coefficient_post");
  const double alpha = attr<float>(call, "alpha"), beta = attr<float>(call, "beta"), epsilon = attr<float>(call, "epsilon");
  return RunFn([=](KernelIo& io) {
    const double t = scalar_of<double>(io.in(1)), r = scalar_of<double>(io.in(0));
    const double rate = t > 0 ? r * std::sqrt(1 - std::pow(beta, t)) / (1 - std::pow(alpha, t)) : r;
    each_tensor<2>(io, [=](double& x, double g, double& v, double& h) {
      g += norm * x;
      v = alpha * v + (1 - alpha) * g;
      h = beta * h + (1 - beta) * g * g;
      x = (1 - after) * (x - rate * v / (std::sqrt(h) + epsilon));
    });
  });
}

Maybe<RunFn> prepare_momentum(const OpCall& call, ExecEnv&) {
  const double norm = attr<float>(call, "norm_coefficient"), alpha = attr<float>(call, "alpha"), stated_beta = attr<float>(call, "beta");
  const auto mode = attr<std::string>(call, "mode");
  if (mode != "standard" && mode != "nesterov") bad_input(fmt::format("mode '{}'", mode));
  return RunFn([=, nesterov = mode == "nesterov"](KernelIo& io) {
    const double rate = scalar_of<double>(io.in(0)), beta = scalar_of<double>(io.in(1)) > 0 ? stated_beta : 1;
    each_tensor<1>(io, [=](double& x, double g, double& v) {
      g += norm * x;
      v = alpha * v + beta * g;
      x -= rate * (nesterov ? g + alpha * v : v);
    });
  });
}

constexpr Kernel kKernels[] = {
    {"ai.onnx.preview.training", "Adagrad", 1, kAnyVersion, prepare_adagrad},
    {"ai.onnx.preview.training", "Adam", 1, kAnyVersion, prepare_adam},
    {"ai.onnx.preview.training", "Momentum", 1, kAnyVersion, prepare_momentum},
};

}  // namespace

std::span<const Kernel> training_kernels() { return kKernels; }

}  // namespace onnxopt::ref
