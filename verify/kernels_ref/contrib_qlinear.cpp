// com.microsoft QLinear operators and integer products: values are dequantized, computed, and rounded to the output's scale, ties to even.
#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/matmul.h"
#include "verify/kernels_ref/standard.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// Scale and zero point stand behind each other; the zero point may be left out.
Tensor dequantize(const KernelIo& io, std::size_t x, std::size_t scale, std::size_t zero) {
  const double s = scalar_of<double>(io.in(scale)), z = io.has(zero) ? scalar_of<double>(io.in(zero)) : 0;
  std::vector<double> v = widen<double>(io.in(x));
  for (double& e : v) e = static_cast<double>(static_cast<float>((e - z) * s));
  return narrow(DType::float32, io.in(x).dims(), v);
}
Tensor quantize(const KernelIo& io, const Tensor& y, DType t, std::size_t scale, std::size_t zero) {
  const double s = scalar_of<double>(io.in(scale)), z = io.has(zero) ? scalar_of<double>(io.in(zero)) : 0;
  std::vector<double> v = widen<double>(y);
  for (double& e : v) {
    const double q = std::nearbyint(static_cast<double>(static_cast<float>(e / s))) + z;
    e = std::isnan(q) ? 0 : std::clamp(q, lowest_value(t), highest_value(t));
  }
  return narrow(t, y.dims(), v);
}

// op(a, b): A, its scale and zero point, B alike, then those of the result.
Maybe<RunFn> binary(std::string_view name, ExecEnv& env) {
  return RunFn([op = StandardOp(name, {}, env)](KernelIo& io) {
    io.set(0, quantize(io, op.one({dequantize(io, 0, 1, 2), dequantize(io, 3, 4, 5)}), io.in(0).dtype(), 6, 7));
  });
}
Maybe<RunFn> prepare_add(const OpCall&, ExecEnv& env) { return binary("Add", env); }
Maybe<RunFn> prepare_mul(const OpCall&, ExecEnv& env) { return binary("Mul", env); }

// op(x): X, its scale and zero point, then those of the result.
Maybe<RunFn> unary(std::string_view name, Attrs attrs, ExecEnv& env) {
  return RunFn([op = StandardOp(name, std::move(attrs), env)](KernelIo& io) {
    io.set(0, quantize(io, op.one({dequantize(io, 0, 1, 2)}), io.in(0).dtype(), 3, 4));
  });
}
Maybe<RunFn> prepare_leaky(const OpCall& call, ExecEnv& env) { return unary("LeakyRelu", *call.attrs, env); }
Maybe<RunFn> prepare_sigmoid(const OpCall&, ExecEnv& env) { return unary("Sigmoid", {}, env); }

// Axis counts from opset 13 on as one dim, before as all dims from it on.
Maybe<RunFn> prepare_softmax(const OpCall& call, ExecEnv& env) {
  const int64_t opset = attr<int64_t>(call, "opset"), stated = attr_or<int64_t>(call, "axis", opset < 13 ? 1 : -1);
  return RunFn([=, op = StandardOp("Softmax", {{"axis", opset < 13 ? int64_t{1} : stated}}, env)](KernelIo& io) {
    Tensor x = dequantize(io, 0, 1, 2);
    const Dims dims = x.dims();
    if (opset < 13) {
      const auto axis = at(normalize_axis(stated, x.rank()));
      x = x.reshaped({product(dims, 0, axis), product(dims, axis)});
    }
    io.set(0, quantize(io, op.one({x}).reshaped(dims), io.in(0).dtype(), 3, 4));
  });
}

Maybe<RunFn> prepare_reduce_mean(const OpCall& call, ExecEnv& env) {
  return RunFn([axes = attr_or<Ints>(call, "axes", {}),
                op = StandardOp("ReduceMean", {{"keepdims", attr_or<int64_t>(call, "keepdims", 1)}}, env)](KernelIo& io) {
    const RtValue which = axes.empty() ? RtValue() : RtValue(narrow(DType::int64, {static_cast<int64_t>(axes.size())}, axes));
    io.set(0, quantize(io, op.one({dequantize(io, 0, 1, 2), which}), io.in(0).dtype(), 3, 4));
  });
}

// Condition, then value, scale, zero point of X and of Y, then scale and zero point of the result.
Maybe<RunFn> prepare_where(const OpCall&, ExecEnv& env) {
  return RunFn([op = StandardOp("Where", {}, env)](KernelIo& io) {
    io.set(0, quantize(io, op.one({io.in(0), dequantize(io, 1, 2, 3), dequantize(io, 4, 5, 6)}), io.in(1).dtype(), 7, 8));
  });
}

// Scale and zero point of the result, then value, scale, zero point of each part.
Maybe<RunFn> prepare_concat(const OpCall& call, ExecEnv& env) {
  return RunFn([op = StandardOp("Concat", *call.attrs, env)](KernelIo& io) {
    std::vector<RtValue> parts;
    if (io.num_inputs() % 3 != 2) bad_input("each part needs a value, a scale and a zero point");
    for (std::size_t i = 2; i + 2 < io.num_inputs(); i += 3) parts.emplace_back(dequantize(io, i, i + 1, i + 2));
    io.set(0, quantize(io, op.one(parts), io.in(2).dtype(), 0, 1));
  });
}

// [N, C, spatial...] from [N, spatial..., C] and back.
struct Layout {
  StandardOp first, last;
  Layout(std::size_t rank, ExecEnv& env)
      : first("Transpose", {{"perm", moved(rank, false)}}, env), last("Transpose", {{"perm", moved(rank, true)}}, env) {}
  static Ints moved(std::size_t rank, bool back) {
    Ints p;
    for (std::size_t i = 0; i < rank; ++i) p.push_back(static_cast<int64_t>(i));
    if (back) std::rotate(p.begin() + 1, p.begin() + 2, p.end());
    else std::rotate(p.begin() + 1, p.end() - 1, p.end());
    return p;
  }
};
// fn of a channels-first tensor, on one that may be channels-last.
template <class F>
Tensor channels_first(const Tensor& x, bool last, ExecEnv& env, F fn) {
  if (!last || x.rank() < 3) return fn(x);
  const Layout layout(static_cast<std::size_t>(x.rank()), env);
  return layout.last.one({fn(layout.first.one({x}))});
}

Maybe<RunFn> pool(std::string_view name, Attrs attrs, bool last, ExecEnv& env) {
  return RunFn([=, &env, op = StandardOp(name, std::move(attrs), env)](KernelIo& io) {
    const Tensor y = channels_first(dequantize(io, 0, 1, 2), last, env, [&](const Tensor& x) { return op.one({x}); });
    io.set(0, quantize(io, y, io.in(0).dtype(), 3, 4));
  });
}
Maybe<RunFn> prepare_average_pool(const OpCall& call, ExecEnv& env) {
  return pool("AveragePool", attrs_without(call, {"channels_last"}), attr_or<int64_t>(call, "channels_last", 0) != 0, env);
}
Maybe<RunFn> prepare_global_pool(const OpCall& call, ExecEnv& env) {
  return pool("GlobalAveragePool", {}, attr_or<int64_t>(call, "channels_last", 0) != 0, env);
}

Maybe<RunFn> prepare_nhwc_max_pool(const OpCall& call, ExecEnv& env) {
  return RunFn([&env, op = StandardOp("MaxPool", *call.attrs, env)](KernelIo& io) {
    io.set(0, channels_first(io.in(0), true, env, [&](const Tensor& x) { return op.one({x}); }));
  });
}

Maybe<RunFn> prepare_qlinear_conv(const OpCall& call, ExecEnv& env) {
  return RunFn([&env, last = attr_or<int64_t>(call, "channels_last", 0) != 0,
                op = StandardOp("QLinearConv", attrs_without(call, {"channels_last"}), env)](KernelIo& io) {
    std::vector<RtValue> in;
    for (std::size_t i = 0; i < io.num_inputs(); ++i) in.push_back(io.value(i));
    io.set(0, channels_first(io.in(0), last, env, [&](const Tensor& x) {
             in[0] = x;
             return op.one(in);
           }));
  });
}

// ---- integer products
Tensor centered(const Tensor& x, const Tensor* z, const Dims& dims) {
  std::vector<double> v = widen<double>(x);
  const std::vector<double> zero = z ? widen<double>(*z) : std::vector<double>{0};
  if (zero.empty() || (zero.size() != 1 && (x.rank() == 0 || static_cast<int64_t>(zero.size()) != x.dims().back())))
    bad_input(fmt::format("zero point {} for {}", dims_text(z->dims()), dims_text(x.dims())));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] -= zero[i % zero.size()];
  return narrow(DType::float64, dims, v);
}
const Tensor* optional_in(const KernelIo& io, std::size_t i) { return io.has(i) ? &io.in(i) : nullptr; }

// sums * scale * (one of scales a column) + bias.
Tensor scaled(const Tensor& sums, float scale, const Tensor& scales, const Tensor* bias) {
  std::vector<double> v = widen<double>(sums);
  const std::vector<float> s = widen<float>(scales), b = bias ? widen<float>(*bias) : std::vector<float>{0};
  const auto n = sums.rank() == 0 ? 1 : sums.dims().back();
  if (s.empty() || b.empty() || (s.size() != 1 && static_cast<int64_t>(s.size()) != n) || (b.size() != 1 && static_cast<int64_t>(b.size()) != n))
    bad_input(fmt::format("{} scales and {} biases for {} columns", s.size(), b.size(), n));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = v[i] * static_cast<double>(scale * s[i % s.size()]) + static_cast<double>(b[i % b.size()]);
  return narrow(DType::float32, sums.dims(), v);
}

void run_matmul_to_float(KernelIo& io) {
  const Tensor sums = matmul(centered(io.in(0), optional_in(io, 4), io.in(0).dims()), centered(io.in(1), optional_in(io, 5), io.in(1).dims()));
  const Tensor y = scaled(sums, scalar_of<float>(io.in(2)), io.in(3), optional_in(io, 6));
  io.set(0, narrow(io.in(2).dtype(), y.dims(), widen<double>(y)));
}

Maybe<RunFn> prepare_dynamic_matmul(const OpCall&, ExecEnv& env) {
  return RunFn([op = StandardOp("DynamicQuantizeLinear", {}, env, 3)](KernelIo& io) {
    const std::vector<RtValue> a = op({io.in(0)});
    const Tensor sums = matmul(centered(a[0].tensor(), &a[2].tensor(), io.in(0).dims()), centered(io.in(1), optional_in(io, 3), io.in(1).dims()));
    io.set(0, scaled(sums, scalar_of<float>(a[1].tensor()), io.in(2), optional_in(io, 4)));
  });
}

Tensor turned(const Tensor& x, bool turn) {
  if (x.rank() != 2) bad_input(fmt::format("a matrix is {}", dims_text(x.dims())));
  if (!turn) return x;
  const std::vector<double> v = widen<double>(x);
  std::vector<double> out(v.size());
  const int64_t rows = x.dims()[0], columns = x.dims()[1];
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) out[at(j * rows + i)] = v[at(i * columns + j)];
  return narrow(x.dtype(), {columns, rows}, out);
}
// A, scale, zero point, B, scale, zero point (one a column), C (int32), scale and zero point of the result (left out: float).
Maybe<RunFn> prepare_qgemm(const OpCall& call, ExecEnv&) {
  return RunFn([ta = attr_or<int64_t>(call, "transA", 0) != 0, tb = attr_or<int64_t>(call, "transB", 0) != 0,
                alpha = attr_or<float>(call, "alpha", 1)](KernelIo& io) {
    const Tensor a = turned(io.in(0), ta), b = turned(io.in(3), tb);
    const Tensor sums = matmul(centered(a, &io.in(2), a.dims()), centered(b, &io.in(5), b.dims()));
    std::vector<double> v = widen<double>(sums);
    if (io.has(6)) {
      const Tensor& c = io.in(6);
      if (broadcast(sums.dims(), c.dims()) != sums.dims()) bad_input(fmt::format("C {} for {}", dims_text(c.dims()), dims_text(sums.dims())));
      const std::vector<double> add = widen<double>(c);
      const int64_t n = sums.dims()[1], width = c.rank() == 0 ? 1 : c.dims().back(), rows = c.rank() < 2 ? 1 : c.dims()[0];
      for (int64_t i = 0; i < sums.size(); ++i) v[at(i)] += add[at((rows == 1 ? 0 : i / n) * width + (width == 1 ? 0 : i % n))];
    }
    const Tensor y = scaled(narrow(DType::float64, sums.dims(), v), alpha * scalar_of<float>(io.in(1)), io.in(4), nullptr);
    io.set(0, io.has(7) ? quantize(io, y, io.in(8).dtype(), 7, 8) : y);
  });
}

// LSTM with the input rounded to 8 bits as a whole and weights [directions, inputs, 4 * hidden] in 8 bits; the state stays as it is. Scales and zero
// points one a direction or one a gate's row.
Tensor lstm_weights(const KernelIo& io, std::size_t i, std::size_t scale, std::size_t zero) {
  const Tensor& w = io.in(i);
  if (w.rank() != 3) bad_input(fmt::format("weights {}", dims_text(w.dims())));
  const int64_t dirs = w.dims()[0], rows = w.dims()[1], columns = w.dims()[2];
  const std::vector<double> v = widen<double>(w), s = widen<double>(io.in(scale)), z = widen<double>(io.in(zero));
  if (s.size() != z.size() || (static_cast<int64_t>(s.size()) != dirs && static_cast<int64_t>(s.size()) != dirs * columns))
    bad_input(fmt::format("{} scales of weights {}", s.size(), dims_text(w.dims())));
  std::vector<double> out(v.size());
  for (int64_t d = 0; d < dirs; ++d)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) {
        const std::size_t k = static_cast<int64_t>(s.size()) == dirs ? at(d) : at(d * columns + c);
        out[at((d * columns + c) * rows + r)] = (v[at((d * rows + r) * columns + c)] - z[k]) * s[k];
      }
  return narrow(DType::float32, {dirs, columns, rows}, out);
}
Maybe<RunFn> prepare_lstm(const OpCall& call, ExecEnv& env) {
  return RunFn([op = StandardOp("LSTM", *call.attrs, env, 3), quantizer = StandardOp("DynamicQuantizeLinear", {}, env, 3)](KernelIo& io) {
    std::vector<RtValue> in(8);
    for (std::size_t i = 0; i < in.size() && i < io.num_inputs(); ++i) in[i] = io.value(i);
    const std::vector<RtValue> x = quantizer({io.in(0)});
    std::vector<double> v = widen<double>(x[0].tensor());
    for (double& e : v) e = (e - scalar_of<double>(x[2].tensor())) * scalar_of<double>(x[1].tensor());
    in[0] = narrow(DType::float32, io.in(0).dims(), v);
    in[1] = lstm_weights(io, 1, 8, 9);
    in[2] = lstm_weights(io, 2, 10, 11);
    const std::vector<RtValue> out = op(in);
    for (std::size_t i = 0; i < out.size(); ++i) io.set(i, out[i]);
  });
}

constexpr Kernel kKernels[] = {
    {"com.microsoft", "QLinearAdd", 1, kAnyVersion, prepare_add},
    {"com.microsoft", "QLinearMul", 1, kAnyVersion, prepare_mul},
    {"com.microsoft", "QLinearLeakyRelu", 1, kAnyVersion, prepare_leaky},
    {"com.microsoft", "QLinearSigmoid", 1, kAnyVersion, prepare_sigmoid},
    {"com.microsoft", "QLinearSoftmax", 1, kAnyVersion, prepare_softmax},
    {"com.microsoft", "QLinearReduceMean", 1, kAnyVersion, prepare_reduce_mean},
    {"com.microsoft", "QLinearWhere", 1, kAnyVersion, prepare_where},
    {"com.microsoft", "QLinearConcat", 1, kAnyVersion, prepare_concat},
    {"com.microsoft", "QLinearAveragePool", 1, kAnyVersion, prepare_average_pool},
    {"com.microsoft", "QLinearGlobalAveragePool", 1, kAnyVersion, prepare_global_pool},
    {"com.microsoft", "QLinearConv", 1, kAnyVersion, prepare_qlinear_conv},
    {"com.microsoft", "NhwcMaxPool", 1, kAnyVersion, prepare_nhwc_max_pool},
    {"com.microsoft", "MatMulIntegerToFloat", 1, kAnyVersion, simple<run_matmul_to_float>},
    {"com.microsoft", "DynamicQuantizeMatMul", 1, kAnyVersion, prepare_dynamic_matmul},
    {"com.microsoft", "QGemm", 1, kAnyVersion, prepare_qgemm},
    {"com.microsoft", "DynamicQuantizeLSTM", 1, kAnyVersion, prepare_lstm},
};

}  // namespace

std::span<const Kernel> contrib_qlinear_kernels() { return kKernels; }

}  // namespace onnxopt::ref
