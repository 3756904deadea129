// The experimental operators that ONNX had until opset 9 and that no later operator replaces: old exported models carry them, ONNX Runtime runs them.
#include <algorithm>
#include <cmath>

#include "ir/ops/op_table.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

template <class F>
void map_elements(KernelIo& io, F f) {
  const Tensor& x = io.in(0);
  std::vector<double> v = widen<double>(x);
  for (double& e : v) e = f(e);
  io.set(0, narrow(x.dtype(), x.dims(), v));
}

Maybe<RunFn> prepare_affine(const OpCall& call, ExecEnv&) {
  return RunFn(
      [a = attr<float>(call, "alpha"), b = attr<float>(call, "beta")](KernelIo& io) { map_elements(io, [&](double x) { return a * x + b; }); });
}
Maybe<RunFn> prepare_scale(const OpCall& call, ExecEnv&) {
  return RunFn([s = attr<float>(call, "scale")](KernelIo& io) { map_elements(io, [&](double x) { return s * x; }); });
}
// alpha * log(exp(beta * x) + 1), which is beta * x where the exponential would overflow.
Maybe<RunFn> prepare_parametric_softplus(const OpCall& call, ExecEnv&) {
  return RunFn([a = attr<float>(call, "alpha"), b = attr<float>(call, "beta")](KernelIo& io) {
    map_elements(io, [&](double x) { return a * (b * x > 0 ? b * x + std::log1p(std::exp(-b * x)) : std::log1p(std::exp(b * x))); });
  });
}
Maybe<RunFn> prepare_scaled_tanh(const OpCall& call, ExecEnv&) {
  return RunFn([a = attr<float>(call, "alpha"), b = attr<float>(call, "beta")](KernelIo& io) {
    map_elements(io, [&](double x) { return a * std::tanh(b * x); });
  });
}

Maybe<RunFn> prepare_image_scaler(const OpCall& call, ExecEnv&) {
  return RunFn([scale = attr<float>(call, "scale"), bias = attr_or<Floats>(call, "bias", {})](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() != 4 || (!bias.empty() && static_cast<int64_t>(bias.size()) != x.dims()[1]))
      bad_input(fmt::format("{} biases for an input {}", bias.size(), dims_text(x.dims())));
    std::vector<double> v = widen<double>(x);
    const auto plane = at(x.dims()[2] * x.dims()[3]), channels = at(x.dims()[1]);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = scale * v[i] + (bias.empty() ? 0 : bias[i / plane % channels]);
    io.set(0, narrow(x.dtype(), x.dims(), v));
  });
}

// border: what goes at the left, top, right and bottom; with scale (height, width) only left and top count.
Maybe<RunFn> prepare_crop(const OpCall& call, ExecEnv&) {
  return RunFn([border = attr<Ints>(call, "border"), scale = attr_or<Ints>(call, "scale", {})](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() != 4 || border.size() != 4 || (!scale.empty() && scale.size() != 2))
      bad_input(fmt::format("{} borders and {} sizes for an input {}", border.size(), scale.size(), dims_text(x.dims())));
    const int64_t height = x.dims()[2], width = x.dims()[3], left = border[0], top = border[1];
    const auto within = [](int64_t begin, int64_t count, int64_t size) { return begin >= 0 && count > 0 && begin <= size && count <= size - begin; };
    const auto rest = [](int64_t size, int64_t a, int64_t b) { return a < 0 || b < 0 || a > size || b > size - a ? -1 : size - a - b; };
    const int64_t h = scale.empty() ? rest(height, top, border[3]) : scale[0], w = scale.empty() ? rest(width, left, border[2]) : scale[1];
    if (!within(top, h, height) || !within(left, w, width)) bad_input(fmt::format("nothing is left of {}", dims_text(x.dims())));
    const Dims out_dims{x.dims()[0], x.dims()[1], h, w};
    const std::vector<double> in = widen<double>(x);
    std::vector<double> out;
    out.reserve(at(element_count(out_dims)));
    for (int64_t p = 0; p < x.dims()[0] * x.dims()[1]; ++p)
      for (int64_t y = top; y < top + h; ++y) {
        const auto row = in.begin() + (p * height + y) * width + left;
        out.insert(out.end(), row, row + w);
      }
    io.set(0, narrow(x.dtype(), out_dims, out));
  });
}

// Values in the shape of an attribute or, with input_as_shape, of the input's elements; extra_shape is appended to the latter.
Maybe<RunFn> prepare_given_tensor_fill(const OpCall& call, ExecEnv&) {
  return RunFn([values = attr<Floats>(call, "values"), shape = attr_or<Ints>(call, "shape", {}), extra = attr_or<Ints>(call, "extra_shape", {}),
                as_shape = attr_or<int64_t>(call, "input_as_shape", 0) != 0](KernelIo& io) {
    Dims dims = shape;
    if (io.has(0)) {
      dims = as_shape ? widen<int64_t>(io.in(0)) : io.in(0).dims();
      dims.insert(dims.end(), extra.begin(), extra.end());
    }
    if (element_count(dims) != static_cast<int64_t>(values.size())) bad_input(fmt::format("{} values for {}", values.size(), dims_text(dims)));
    io.set(0, Tensor::of<float>(dims, values));
  });
}

// The shape of GivenTensorFill, one value everywhere. No release of ONNX lists it, and yet files of opsets 6 and 7 have it.
Maybe<RunFn> prepare_constant_fill(const OpCall& call, ExecEnv&) {
  const auto t = static_cast<DType>(attr_or<int64_t>(call, "dtype", 1));
  if (t != DType::float32 && t != DType::int32 && t != DType::int64 && t != DType::boolean) bad_input("attribute 'dtype' is none of its types");
  return RunFn([t, value = static_cast<double>(attr_or<float>(call, "value", 0)), shape = attr_or<Ints>(call, "shape", {}),
                extra = attr_or<Ints>(call, "extra_shape", {}), as_shape = attr_or<int64_t>(call, "input_as_shape", 0) != 0](KernelIo& io) {
    Dims dims = shape;
    if (io.has(0)) {
      dims = as_shape ? widen<int64_t>(io.in(0)) : io.in(0).dims();
      dims.insert(dims.end(), extra.begin(), extra.end());
    }
    if (std::any_of(dims.begin(), dims.end(), [](int64_t d) { return d < 0; })) bad_input(fmt::format("a shape of {}", dims_text(dims)));
    io.set(0, narrow(t, dims, std::vector<double>(at(element_count(dims)), value)));
  });
}

// MeanVarianceNormalization-1: over everything or, without across_channels, over all but the channels.
Maybe<RunFn> prepare_mvn_1(const OpCall& call, ExecEnv&) {
  return RunFn([across = attr<int64_t>(call, "across_channels") != 0, variance = attr<int64_t>(call, "normalize_variance") != 0](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() < 2) bad_input(fmt::format("the input is {}, not N x C x spatial", dims_text(x.dims())));
    const auto channels = at(x.dims()[1]), plane = at(product(x.dims(), 2)), groups = across ? 1 : channels;
    const auto group_of = [&](std::size_t i) { return across ? 0 : i / plane % channels; };
    std::vector<double> v = widen<double>(x), mean(groups), square(groups);
    const double count = groups == 0 ? 1 : static_cast<double>(v.size() / groups);
    for (std::size_t i = 0; i < v.size(); ++i) mean[group_of(i)] += v[i] / count;
    for (std::size_t i = 0; i < v.size(); ++i) square[group_of(i)] += (v[i] - mean[group_of(i)]) * (v[i] - mean[group_of(i)]) / count;
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = (v[i] - mean[group_of(i)]) / (variance ? std::sqrt(square[group_of(i)]) : 1);
    io.set(0, narrow(x.dtype(), x.dims(), v));
  });
}

// data, starts, ends, axes?: Slice-10 before its name.
Maybe<RunFn> prepare_dynamic_slice(const OpCall& call, ExecEnv& env) {
  for (const Kernel& k : movement_kernels())
    if (k.op == "Slice" && k.since_max == kAnyVersion) return k.prepare({&op("Slice"), call.attrs, call.num_outputs, call.node}, env);
  return Maybe<RunFn>::none("no kernel of Slice");
}

constexpr Kernel kKernels[] = {
    {"", "Affine", 1, 10, prepare_affine},
    {"", "Scale", 1, 10, prepare_scale},
    {"", "ParametricSoftplus", 1, 10, prepare_parametric_softplus},
    {"", "ScaledTanh", 1, 10, prepare_scaled_tanh},
    {"", "ImageScaler", 1, 10, prepare_image_scaler},
    {"", "Crop", 1, 10, prepare_crop},
    {"", "GivenTensorFill", 1, 10, prepare_given_tensor_fill},
    {"", "ConstantFill", 1, 10, prepare_constant_fill},
    {"", "MeanVarianceNormalization", 1, 8, prepare_mvn_1},
    {"", "DynamicSlice", 1, 10, prepare_dynamic_slice},
};

}  // namespace

std::span<const Kernel> experimental_kernels() { return kKernels; }

}  // namespace onnxopt::ref
