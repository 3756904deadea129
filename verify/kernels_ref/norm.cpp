// Normalizations. Statistics are two-pass in double; the result is rounded once.
#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/lines.h"
#include "verify/kernels_ref/reduce.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct Moments {
  double mean = 0, variance = 0;
};
Moments moments(const double* v, int64_t n) {
  Moments m;
  for (int64_t i = 0; i < n; ++i) m.mean += v[i];
  m.mean /= static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) m.variance += (v[i] - m.mean) * (v[i] - m.mean);
  m.variance /= static_cast<double>(n);
  return m;
}

std::vector<double> channel_values(const Tensor& t, int64_t channels, const char* name) {
  if (t.size() != channels) bad_input(fmt::format("{} is {}, the input has {} channels", name, dims_text(t.dims()), channels));
  return widen<double>(t);
}

// Y = (X - mean) * scale / sqrt(variance + epsilon) + B, per channel.
Tensor normalize_channels(const Tensor& x, const std::vector<double>& mean, const std::vector<double>& variance, const std::vector<double>& scale,
                          const std::vector<double>& bias, double epsilon) {
  const Lines lines(x.dims(), 1);
  Buffer out(x.dtype(), x.dims());
  parallel_for(lines.outer * lines.length, 2.0 * static_cast<double>(lines.inner), [&](int64_t from, int64_t to) {
    std::vector<double> v(at(lines.inner));
    for (int64_t p = from; p < to; ++p) {
      const std::size_t c = at(p % lines.length);
      const double factor = scale[c] / std::sqrt(variance[c] + epsilon);
      load_block<double>(x.dtype(), x.bytes().data(), p * lines.inner, lines.inner, v.data());
      for (double& e : v) e = (e - mean[c]) * factor + bias[c];
      store_block<double>(x.dtype(), out.bytes(), p * lines.inner, lines.inner, v.data());
    }
  });
  return std::move(out).tensor();
}
// Omitted outputs at the end do not count.
std::size_t present_outputs(const OpCall& call) {
  std::size_t n = call.num_outputs;
  while (call.node && n > 0 && n <= call.node->outputs().size() && !call.node->output(n - 1)) --n;
  return n;
}

Maybe<RunFn> prepare_batch_norm(const OpCall& call, ExecEnv&) {
  const std::size_t outputs = present_outputs(call);
  // Before 7 the statistics of the batch were the default; only what leaves them unused is known to be inference.
  if (call.op->since < 7 && attr<int64_t>(call, "is_test") == 0 && outputs > 1) bad_input("training (is_test = 0) of this version");
  return RunFn([epsilon = static_cast<double>(attr_or<float>(call, "epsilon", 1e-5f)),
                by_element = attr_or<int64_t>(call, "spatial", 1) == 0,  // until version 9: one statistic for each element of a batch entry
                momentum = static_cast<double>(attr_or<float>(call, "momentum", 0.9f)),
                training = attr_or<int64_t>(call, "training_mode", 0) != 0 || (call.op->since >= 7 && call.op->since < 14 && outputs > 1),
                saved = call.op->since < 14 && outputs > 3](KernelIo& io) {
    // A matrix N x C is N x C x 1; a vector is one channel.
    const Dims shape = io.in(0).dims();
    Tensor x = shape.size() < 2 ? io.in(0).reshaped({io.in(0).size(), 1}) : io.in(0);
    if (by_element) x = x.reshaped({x.dims()[0], product(x.dims(), 1)});
    const int64_t channels = x.dims()[1];
    std::vector<double> mean = channel_values(io.in(3), channels, "input_mean"), variance = channel_values(io.in(4), channels, "input_var");
    const auto scale = channel_values(io.in(1), channels, "scale"), bias = channel_values(io.in(2), channels, "B");
    if (training) {
      const Lines lines(x.dims(), 1);
      const std::vector<double> v = widen<double>(x);
      std::vector<double> running_mean(mean.size()), running_var(mean.size()), values;
      for (int64_t c = 0; c < channels; ++c) {
        values.clear();
        for (int64_t n = 0; n < lines.outer; ++n)
          values.insert(values.end(), v.begin() + (n * channels + c) * lines.inner, v.begin() + (n * channels + c + 1) * lines.inner);
        const Moments m = moments(values.data(), static_cast<int64_t>(values.size()));
        running_mean[at(c)] = mean[at(c)] * momentum + m.mean * (1 - momentum);
        running_var[at(c)] = variance[at(c)] * momentum + m.variance * (1 - momentum);
        mean[at(c)] = m.mean;
        variance[at(c)] = m.variance;
      }
      io.set(1, narrow(io.in(3).dtype(), {channels}, running_mean));
      io.set(2, narrow(io.in(4).dtype(), {channels}, running_var));
      if (saved) {  // until 13, as runtimes compute them: the mean and the inverse deviation of the batch
        std::vector<double> inverse(variance.size());
        for (int64_t c = 0; c < channels; ++c) inverse[at(c)] = 1 / std::sqrt(variance[at(c)] + epsilon);
        io.set(3, narrow(io.in(3).dtype(), {channels}, mean));
        io.set(4, narrow(io.in(4).dtype(), {channels}, inverse));
      }
    }
    io.set(0, normalize_channels(x, mean, variance, scale, bias, epsilon).reshaped(shape));
  });
}

// Instances of `per_group` channels; scale and bias have one value a channel, or one a group (GroupNormalization-18).
Tensor normalize_groups(const Tensor& x, int64_t groups, const Tensor& scale, const Tensor& bias, double epsilon) {
  if (x.rank() < 2 || groups < 1 || x.dims()[1] % groups != 0) bad_input(fmt::format("{} groups for an input {}", groups, dims_text(x.dims())));
  const int64_t channels = x.dims()[1], per_group = channels / groups, plane = product(x.dims(), 2), size = per_group * plane;
  const bool by_group = scale.size() == groups && groups != channels;
  const auto s = channel_values(scale, by_group ? groups : channels, "scale"), b = channel_values(bias, by_group ? groups : channels, "bias");
  Buffer out(x.dtype(), x.dims());
  parallel_for(x.dims()[0] * groups, 4.0 * static_cast<double>(size), [&](int64_t from, int64_t to) {
    std::vector<double> v(at(size));
    for (int64_t p = from; p < to; ++p) {
      load_block<double>(x.dtype(), x.bytes().data(), p * size, size, v.data());
      const Moments m = moments(v.data(), size);
      const double factor = 1 / std::sqrt(m.variance + epsilon);
      for (int64_t i = 0; i < size; ++i) {
        const std::size_t c = at(by_group ? p % groups : p % groups * per_group + i / plane);
        v[at(i)] = (v[at(i)] - m.mean) * factor * s[c] + b[c];
      }
      store_block<double>(x.dtype(), out.bytes(), p * size, size, v.data());
    }
  });
  return std::move(out).tensor();
}
Maybe<RunFn> prepare_instance_norm(const OpCall& call, ExecEnv&) {
  return RunFn([epsilon = static_cast<double>(attr_or<float>(call, "epsilon", 1e-5f))](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() < 3) bad_input(fmt::format("the input is {}, not N x C x spatial", dims_text(x.dims())));
    io.set(0, normalize_groups(x, x.dims()[1], io.in(1), io.in(2), epsilon));
  });
}
Maybe<RunFn> prepare_group_norm(const OpCall& call, ExecEnv&) {
  return RunFn([groups = attr<int64_t>(call, "num_groups"), epsilon = static_cast<double>(attr<float>(call, "epsilon"))](KernelIo& io) {
    io.set(0, normalize_groups(io.in(0), groups, io.in(1), io.in(2), epsilon));
  });
}

// Scale and bias broadcast one way to the normalized dims, or as far as to all of X; returned with their period in elements.
struct Broadcasted {
  std::vector<double> values;
  double at(int64_t i) const { return values[static_cast<std::size_t>(i) % values.size()]; }
};
Broadcasted broadcast_to(const Tensor& t, const Dims& dims, std::size_t axis) {
  const Dims inner(dims.begin() + static_cast<std::ptrdiff_t>(axis), dims.end());
  std::vector<double> own = widen<double>(t);
  if (t.dims() == inner) return {std::move(own)};
  if (broadcast(dims, t.dims()) != dims) bad_input(fmt::format("{} does not broadcast to {}", dims_text(t.dims()), dims_text(dims)));
  const Dims strides = strides_of(t.dims()), full = strides_of(dims);
  const std::size_t missing = dims.size() - t.dims().size();
  Broadcasted r;
  r.values.resize(at(element_count(dims)));
  for (std::size_t i = 0; i < r.values.size(); ++i) {
    int64_t from = 0;
    for (std::size_t d = missing; d < dims.size(); ++d)
      if (t.dims()[d - missing] != 1) from += static_cast<int64_t>(i) / full[d] % dims[d] * strides[d - missing];
    r.values[i] = own[at(from)];
  }
  return r;
}

// Both norms over the dims from `axis` on; RMS takes the mean as zero.
void layer_norm(KernelIo& io, bool rms, int64_t stated, double epsilon, DType stash) {
  const Tensor& x = io.in(0);
  const auto axis = at(normalize_axis(stated, x.rank()));
  const int64_t rows = product(x.dims(), 0, axis), n = product(x.dims(), axis);
  const Broadcasted scale = broadcast_to(io.in(1), x.dims(), axis), bias = io.has(2) ? broadcast_to(io.in(2), x.dims(), axis) : Broadcasted{{0.0}};
  const DType result = rms ? io.in(1).dtype() : x.dtype();  // RMSNormalization: type V, the scale's
  Buffer out(result, x.dims());
  std::vector<double> means(at(rows)), inverses(at(rows));
  parallel_for(rows, 6.0 * static_cast<double>(n), [&](int64_t from, int64_t to) {
    std::vector<double> v(at(n));
    for (int64_t r = from; r < to; ++r) {
      load_block<double>(x.dtype(), x.bytes().data(), r * n, n, v.data());
      Moments m;
      if (rms) {
        for (double e : v) m.variance += e * e;
        m.variance /= static_cast<double>(n);
      } else m = moments(v.data(), n);
      const double inverse = 1 / std::sqrt(m.variance + epsilon);
      for (int64_t i = 0; i < n; ++i) v[at(i)] = (v[at(i)] - m.mean) * inverse * scale.at(r * n + i) + bias.at(r * n + i);
      store_block<double>(result, out.bytes(), r * n, n, v.data());
      means[at(r)] = m.mean;
      inverses[at(r)] = inverse;
    }
  });
  io.set(0, std::move(out).tensor());
  Dims saved = x.dims();
  std::fill(saved.begin() + static_cast<std::ptrdiff_t>(axis), saved.end(), 1);
  if (!rms && io.num_outputs() > 1) io.set(1, narrow(stash, saved, means));
  if (!rms && io.num_outputs() > 2) io.set(2, narrow(stash, saved, inverses));
}
template <bool kRms>
Maybe<RunFn> prepare_layer_norm(const OpCall& call, ExecEnv&) {
  const int64_t stash = attr_or<int64_t>(call, "stash_type", 1);
  // It is the type of the saved statistics; runtimes do not look at it where none are asked for.
  const bool known = is_known_dtype(stash) && is_float(static_cast<DType>(stash));
  if (!known && present_outputs(call) > 1) bad_input(fmt::format("attribute 'stash_type': {} is no floating type", stash));
  return RunFn([axis = attr_or<int64_t>(call, "axis", -1), epsilon = static_cast<double>(attr_or<float>(call, "epsilon", 1e-5f)),
                stash](KernelIo& io) { layer_norm(io, kRms, axis, epsilon, static_cast<DType>(stash)); });
}

Maybe<RunFn> prepare_mvn(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr_or<Ints>(call, "axes", {0, 2, 3})](KernelIo& io) {
    const Tensor& x = io.in(0);
    Ints axes = stated;
    for (int64_t& a : axes) a = normalize_axis(a, x.rank());
    std::vector<double> v = widen<double>(x);
    const Tensor wide = narrow(DType::float64, x.dims(), v);
    const Tensor mean = reduce(Reduce::mean, wide, axes, true);
    // Walks x with the means broadcast over it.
    const Broadcasted m = broadcast_to(mean, x.dims(), 0);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] -= m.at(static_cast<int64_t>(i));
    std::vector<double> squares = v;
    for (double& e : squares) e *= e;
    const Broadcasted variance = broadcast_to(reduce(Reduce::mean, narrow(DType::float64, x.dims(), squares), axes, true), x.dims(), 0);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] /= std::sqrt(variance.at(static_cast<int64_t>(i))) + 1e-9;
    io.set(0, narrow(x.dtype(), x.dims(), v));
  });
}

Maybe<RunFn> prepare_lrn(const OpCall& call, ExecEnv&) {
  const double alpha = attr<float>(call, "alpha"), beta = attr<float>(call, "beta"), bias = attr<float>(call, "bias");
  return RunFn([=, size = attr<int64_t>(call, "size")](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() < 2 || size < 1) bad_input(fmt::format("size {} for an input {}", size, dims_text(x.dims())));
    const Lines lines(x.dims(), 1);
    const std::vector<double> v = widen<double>(x);
    std::vector<double> out(v.size());
    for (int64_t i = 0; i < lines.count(); ++i)
      for (int64_t c = 0; c < lines.length; ++c) {
        double sum = 0;
        for (int64_t k = std::max<int64_t>(0, c - (size - 1) / 2); k <= std::min(lines.length - 1, c + size / 2); ++k) {
          const double e = v[at(lines.start(i) + k * lines.inner)];
          sum += e * e;
        }
        const std::size_t to = at(lines.start(i) + c * lines.inner);
        out[to] = v[to] / std::pow(bias + alpha / static_cast<double>(size) * sum, beta);
      }
    io.set(0, narrow(x.dtype(), x.dims(), out));
  });
}

Maybe<RunFn> prepare_lp_normalization(const OpCall& call, ExecEnv&) {
  return RunFn([p = attr_or<int64_t>(call, "p", 2), stated = attr_or<int64_t>(call, "axis", -1)](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (p != 1 && p != 2) bad_input(fmt::format("attribute 'p' must be 1 or 2, not {}", p));
    const Lines lines(x.dims(), normalize_axis(stated, x.rank()));
    std::vector<double> v = widen<double>(x);
    for (int64_t i = 0; i < lines.count(); ++i) {
      double norm = 0;
      for (int64_t k = 0; k < lines.length; ++k) {
        const double e = v[at(lines.start(i) + k * lines.inner)];
        norm += p == 1 ? std::abs(e) : e * e;
      }
      if (p == 2) norm = std::sqrt(norm);
      for (int64_t k = 0; k < lines.length && norm != 0; ++k) v[at(lines.start(i) + k * lines.inner)] /= norm;
    }
    io.set(0, narrow(x.dtype(), x.dims(), v));
  });
}

constexpr Kernel kKernels[] = {
    {"", "BatchNormalization", 1, kAnyVersion, prepare_batch_norm},
    {"", "InstanceNormalization", 1, kAnyVersion, prepare_instance_norm},
    {"", "GroupNormalization", 18, kAnyVersion, prepare_group_norm},
    {"", "LayerNormalization", 1, kAnyVersion, prepare_layer_norm<false>},
    {"", "RMSNormalization", 23, kAnyVersion, prepare_layer_norm<true>},
    {"", "MeanVarianceNormalization", 9, kAnyVersion, prepare_mvn},
    {"", "LRN", 1, kAnyVersion, prepare_lrn},
    {"", "LpNormalization", 1, kAnyVersion, prepare_lp_normalization},
};

}  // namespace

std::span<const Kernel> norm_kernels() { return kKernels; }

}  // namespace onnxopt::ref
