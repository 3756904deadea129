// MaxPool, AveragePool, LpPool, their global forms, MaxUnpool.
#include <algorithm>
#include <cmath>
#include <limits>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/window.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;

Window pool_window(const WindowAttrs& attrs, const Tensor& x) {
  if (x.rank() < 3) bad_input(fmt::format("the input is {}, not N x C x spatial", dims_text(x.dims())));
  return make_window(attrs, Dims(x.dims().begin() + 2, x.dims().end()), attrs.kernel);
}
Dims pooled_dims(const Tensor& x, const Window& w) {
  Dims r(x.dims().begin(), x.dims().begin() + 2);
  r.insert(r.end(), w.out.begin(), w.out.end());
  return r;
}

// pool(plane, position) for every output element, planes on threads.
template <class F>
std::vector<double> map_windows(const Tensor& x, const Window& w, F pool) {
  const std::vector<double> in = widen<double>(x);
  const int64_t planes = x.dims()[0] * x.dims()[1], size = w.out_size();
  std::vector<double> out(static_cast<std::size_t>(planes * size));
  parallel_for(planes, 3.0 * static_cast<double>(size * w.kernel_size()), [&](int64_t from, int64_t to) {
    for (int64_t p = from; p < to; ++p) {
      Dims at(w.rank());
      for (int64_t i = 0; i < size; ++i, next_position(at, w.out))
        out[static_cast<std::size_t>(p * size + i)] = pool(in.data() + p * w.in_size(), at);
    }
  });
  return out;
}

// Elements of the window at `at` that lie inside the input and its pads (ceil_mode lets windows stick out of the end pads).
int64_t padded_count(const Window& w, const Dims& at) {
  int64_t count = 1;
  for (std::size_t d = 0; d < w.rank(); ++d) {
    int64_t n = 0;
    for (int64_t k = 0; k < w.kernel[d]; ++k) n += at[d] * w.stride[d] - w.pad_begin[d] + k * w.dilation[d] < w.in[d] + w.pad_end[d];
    count *= n;
  }
  return count;
}

Maybe<RunFn> prepare_average_pool(const OpCall& call, ExecEnv&) {
  return RunFn([attrs = read_window(call), include_pad = attr_or<int64_t>(call, "count_include_pad", 0) != 0](KernelIo& io) {
    const Tensor& x = io.in(0);
    const Window w = pool_window(attrs, x);
    auto average = [&](const double* plane, const Dims& at) {
      double sum = 0;
      int64_t count = 0;
      for_taps(w, at, [&](int64_t, int64_t i) {
        sum += plane[i];
        ++count;
      });
      return sum / static_cast<double>(include_pad ? padded_count(w, at) : count);
    };
    io.set(0, narrow(x.dtype(), pooled_dims(x, w), map_windows(x, w, average)));
  });
}

// The attribute is a float in version 1.
double lp_power(const OpCall& call) {
  const double p = call.op->since < 2 ? attr<float>(call, "p") : static_cast<double>(attr<int64_t>(call, "p"));
  if (!(p > 0)) bad_input(fmt::format("attribute 'p' is {}", p));
  return p;
}
Maybe<RunFn> prepare_lp_pool(const OpCall& call, ExecEnv&) {
  return RunFn([attrs = read_window(call), p = lp_power(call)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const Window w = pool_window(attrs, x);
    auto norm = [&](const double* plane, const Dims& at) {
      double sum = 0;
      for_taps(w, at, [&](int64_t, int64_t i) { sum += std::pow(std::abs(plane[i]), p); });
      return std::pow(sum, 1 / p);
    };
    io.set(0, narrow(x.dtype(), pooled_dims(x, w), map_windows(x, w, norm)));
  });
}

// storage_order 1 numbers the elements of a plane with the first spatial dim fastest.
int64_t column_major(int64_t index, const Dims& in) {
  int64_t r = 0;
  for (std::size_t d = in.size(), scale = 1; d-- > 0; index /= in[d]) {
    scale = 1;
    for (std::size_t e = 0; e < d; ++e) scale *= static_cast<std::size_t>(in[e]);
    r += index % in[d] * static_cast<int64_t>(scale);
  }
  return r;
}
Maybe<RunFn> prepare_max_pool(const OpCall& call, ExecEnv&) {
  return RunFn([attrs = read_window(call), columns = attr_or<int64_t>(call, "storage_order", 0) != 0](KernelIo& io) {
    const Tensor& x = io.in(0);
    const Window w = pool_window(attrs, x);
    const double lowest = is_float(x.dtype()) ? -HUGE_VAL : lowest_value(x.dtype());
    const bool want_indices = io.num_outputs() > 1;
    auto highest = [&](const double* plane, const Dims& at) {
      double best = lowest;
      for_taps(w, at, [&](int64_t, int64_t i) { best = plane[i] > best || plane[i] != plane[i] ? plane[i] : best; });
      return best;
    };
    io.set(0, narrow(x.dtype(), pooled_dims(x, w), map_windows(x, w, highest)));
    if (!want_indices) return;
    auto position = [&](const double* plane, const Dims& at) {
      int64_t best = -1;
      for_taps(w, at, [&](int64_t, int64_t i) { best = best < 0 || plane[i] > plane[best] ? i : best; });
      return static_cast<double>(columns ? column_major(best, w.in) : best);
    };
    std::vector<double> indices = map_windows(x, w, position);
    for (std::size_t i = 0; i < indices.size(); ++i) indices[i] += static_cast<double>(static_cast<int64_t>(i) / w.out_size() * w.in_size());
    io.set(1, narrow(DType::int64, pooled_dims(x, w), indices));
  });
}

// One value a plane.
template <class F>
void run_global(KernelIo& io, F reduce) {
  const Tensor& x = io.in(0);
  if (x.rank() < 2) bad_input(fmt::format("the input is {}, not N x C x spatial", dims_text(x.dims())));
  const int64_t planes = x.dims()[0] * x.dims()[1], size = product(x.dims(), 2);
  std::vector<double> out(static_cast<std::size_t>(planes)), plane(static_cast<std::size_t>(size));
  for (int64_t p = 0; p < planes; ++p) {
    load_block<double>(x.dtype(), x.bytes().data(), p * size, size, plane.data());
    out[static_cast<std::size_t>(p)] = reduce(plane);
  }
  Dims shape(x.dims().size(), 1);
  shape[0] = x.dims()[0];
  shape[1] = x.dims()[1];
  io.set(0, narrow(x.dtype(), shape, out));
}
void run_global_average(KernelIo& io) {
  run_global(io, [](const std::vector<double>& v) {
    double sum = 0;
    for (double x : v) sum += x;
    return sum / static_cast<double>(v.size());
  });
}
void run_global_max(KernelIo& io) {
  run_global(io, [](const std::vector<double>& v) {
    double best = -HUGE_VAL;
    for (double x : v) best = x > best || x != x ? x : best;
    return best;
  });
}
Maybe<RunFn> prepare_global_lp(const OpCall& call, ExecEnv&) {
  return RunFn([p = lp_power(call)](KernelIo& io) {
    run_global(io, [p](const std::vector<double>& v) {
      double sum = 0;
      for (double x : v) sum += std::pow(std::abs(x), p);
      return std::pow(sum, 1 / p);
    });
  });
}

Maybe<RunFn> prepare_max_unpool(const OpCall& call, ExecEnv&) {
  return RunFn([attrs = read_window(call)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const Ints indices = ints_of(io.in(1));
    if (x.rank() < 3 || io.in(1).dims() != x.dims()) bad_input(fmt::format("input {}, indices {}", dims_text(x.dims()), dims_text(io.in(1).dims())));
    const std::size_t n = x.dims().size() - 2;
    Dims out = x.dims();
    if (attrs.kernel.size() != n) bad_input("attribute 'kernel_shape' does not fit");
    for (std::size_t d = 0; d < n; ++d) {
      const int64_t stride = attrs.strides.empty() ? 1 : attrs.strides.at(d);
      const int64_t pads = attrs.pads.size() == 2 * n ? attrs.pads[d] + attrs.pads[d + n] : 0;
      out[d + 2] = (x.dims()[d + 2] - 1) * stride - pads + attrs.kernel[d];
    }
    // Indices count in the inferred shape, also where the output is stated larger.
    const Dims shape = io.has(2) ? ints_of(io.in(2)) : out;
    if (shape.size() != out.size()) bad_input(fmt::format("output_shape {}", dims_text(shape)));
    const int64_t total = element_count(out);
    const Dims own = strides_of(out), strides = strides_of(shape);
    std::vector<double> y(static_cast<std::size_t>(element_count(shape)));
    const std::vector<double> v = widen<double>(x);
    for (std::size_t i = 0; i < v.size(); ++i) {
      if (indices[i] < 0 || indices[i] >= total) bad_input(fmt::format("index {} of {} elements", indices[i], total));
      int64_t to = 0;
      for (std::size_t d = 0; d < own.size(); ++d) {
        const int64_t at = indices[i] / own[d] % out[d];
        if (at >= shape[d]) bad_input(fmt::format("index {} is outside of {}", indices[i], dims_text(shape)));
        to += at * strides[d];
      }
      y[static_cast<std::size_t>(to)] = v[i];
    }
    io.set(0, narrow(x.dtype(), shape, y));
  });
}

constexpr Kernel kKernels[] = {
    {"", "AveragePool", 1, kAnyVersion, prepare_average_pool},
    {"", "MaxPool", 1, kAnyVersion, prepare_max_pool},
    {"", "LpPool", 1, kAnyVersion, prepare_lp_pool},
    {"", "GlobalAveragePool", 1, kAnyVersion, simple<run_global_average>},
    {"", "GlobalMaxPool", 1, kAnyVersion, simple<run_global_max>},
    {"", "GlobalLpPool", 1, kAnyVersion, prepare_global_lp},
    {"", "MaxUnpool", 9, kAnyVersion, prepare_max_unpool},
};

}  // namespace

std::span<const Kernel> pool_kernels() { return kKernels; }

}  // namespace onnxopt::ref
