// com.microsoft norms with more to them, and ONNX Runtime's SimplifiedLayerNormalization: embeddings, groups, biases.
#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct Moments {
  double mean = 0, inverse = 0;
};
Moments moments(const double* v, int64_t n, double epsilon, bool rms) {
  Moments m;
  double variance = 0;
  for (int64_t i = 0; i < n && !rms; ++i) m.mean += v[i] / static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) variance += (v[i] - m.mean) * (v[i] - m.mean) / static_cast<double>(n);
  m.inverse = 1 / std::sqrt(variance + epsilon);
  return m;
}

// The values of `t`, one for each element of `dims`, to which it broadcasts.
std::vector<double> broadcast_values(const Tensor& t, const Dims& dims, const char* name) {
  if (broadcast(dims, t.dims()) != dims) bad_input(fmt::format("{} {} for {}", name, dims_text(t.dims()), dims_text(dims)));
  const std::vector<double> own_values = widen<double>(t);
  std::vector<double> r(at(element_count(dims)));
  const Dims own = strides_of(t.dims()), full = strides_of(dims);
  const std::size_t missing = dims.size() - t.dims().size();
  for (std::size_t i = 0; i < r.size(); ++i) {
    int64_t from = 0;
    for (std::size_t d = missing; d < dims.size(); ++d)
      if (t.dims()[d - missing] != 1) from += static_cast<int64_t>(i) / full[d] % dims[d] * own[d - missing];
    r[i] = own_values[at(from)];
  }
  return r;
}

// RMS norm over the dims from `axis` on; the scale broadcasts to all of the input and its type is the result's. Second output: the inverse deviation.
Maybe<RunFn> prepare_simplified_norm(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr_or<int64_t>(call, "axis", -1), epsilon = static_cast<double>(attr_or<float>(call, "epsilon", 1e-5f))](KernelIo& io) {
    const Tensor &x = io.in(0), &scale = io.in(1);
    const auto axis = at(normalize_axis(stated, x.rank()));
    const int64_t rows = product(x.dims(), 0, axis), n = product(x.dims(), axis);
    const bool same_rows = scale.dims() == Dims(x.dims().begin() + static_cast<std::ptrdiff_t>(axis), x.dims().end());
    const std::vector<double> s = same_rows ? widen<double>(scale) : broadcast_values(scale, x.dims(), "scale");
    std::vector<double> v = widen<double>(x), inverses(at(rows));
    for (int64_t r = 0; r < rows; ++r) {
      inverses[at(r)] = moments(v.data() + r * n, n, epsilon, true).inverse;
      for (int64_t i = 0; i < n; ++i) v[at(r * n + i)] *= inverses[at(r)] * s[at(same_rows ? i : r * n + i)];
    }
    Dims saved = x.dims();
    std::fill(saved.begin() + static_cast<std::ptrdiff_t>(axis), saved.end(), 1);
    io.set(0, narrow(scale.dtype(), x.dims(), v));
    io.set(1, narrow(DType::float32, saved, inverses));
  });
}

struct Table {
  std::vector<double> v;
  int64_t rows, width;
};
// `scale` and `zero` number the quantization's inputs; 0: plain floats.
std::vector<double> values_of(const KernelIo& io, std::size_t i, std::size_t scale, std::size_t zero) {
  std::vector<double> v = widen<double>(io.in(i));
  if (scale == 0) return v;
  const double s = scalar_of<double>(io.in(scale)), z = scalar_of<double>(io.in(zero));
  for (double& e : v) e = (e - z) * s;
  return v;
}
Table table_of(const KernelIo& io, std::size_t i, std::size_t scale, std::size_t zero) {
  if (io.in(i).rank() != 2) bad_input(fmt::format("embedding {} is {}", i, dims_text(io.in(i).dims())));
  return {values_of(io, i, scale, zero), io.in(i).dims()[0], io.in(i).dims()[1]};
}
void add_row(const Table& t, int64_t row, double* out, int64_t width) {
  if (row < 0 || row >= t.rows || t.width != width) bad_input(fmt::format("row {} of an embedding of {}x{}", row, t.rows, t.width));
  for (int64_t i = 0; i < width; ++i) out[i] += t.v[at(row * width + i)];
}

// Inputs: ids, segments, words, positions, segment table, gamma, beta, mask, position ids; the quantized form has scales from 8 and zero points from
// 13 on.
template <bool kQuantized>
Maybe<RunFn> prepare_embed_norm(const OpCall& call, ExecEnv&) {
  return RunFn([epsilon = static_cast<double>(attr_or<float>(call, "epsilon", 1e-12f))](KernelIo& io) {
    const auto scale = [](std::size_t i) { return kQuantized ? 8 + i : std::size_t{0}; };
    const auto zero = [](std::size_t i) { return kQuantized ? 13 + i : std::size_t{0}; };
    const Ints ids = ints_of(io.in(0)), segments = io.has(1) ? ints_of(io.in(1)) : Ints();
    const Dims grid = io.in(0).dims();
    if (grid.size() != 2 || (io.has(1) && io.in(1).dims() != grid)) bad_input(fmt::format("input_ids {}", dims_text(grid)));
    const Table words = table_of(io, 2, scale(0), zero(0)), positions = table_of(io, 3, scale(1), zero(1));
    const Table kinds = io.has(1) && io.has(4) ? table_of(io, 4, scale(2), zero(2)) : Table{{}, 0, 0};
    const std::vector<double> gamma = values_of(io, 5, scale(3), zero(3)), beta = values_of(io, 6, scale(4), zero(4));
    const int64_t n = words.width, length = grid[1];
    const Ints places = !kQuantized && io.has(8) ? ints_of(io.in(8)) : Ints();
    if (static_cast<int64_t>(gamma.size()) != n || static_cast<int64_t>(beta.size()) != n)
      bad_input(fmt::format("gamma and beta for a width of {}", n));
    if (!places.empty() && static_cast<int64_t>(places.size()) != length && places.size() != ids.size())
      bad_input(fmt::format("{} position ids", places.size()));
    std::vector<double> v(ids.size() * at(n));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      double* row = v.data() + i * at(n);
      add_row(words, ids[i], row, n);
      add_row(positions, places.empty() ? static_cast<int64_t>(i) % length : places[i % places.size()], row, n);
      if (kinds.rows) add_row(kinds, segments[i], row, n);
    }
    const DType t = kQuantized ? DType::float32 : io.in(2).dtype();
    const Dims dims{grid[0], length, n};
    io.set(2, narrow(t, dims, v));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      double* row = v.data() + i * at(n);
      const Moments m = moments(row, n, epsilon, false);
      for (int64_t k = 0; k < n; ++k) row[k] = (row[k] - m.mean) * m.inverse * gamma[at(k)] + beta[at(k)];
    }
    io.set(0, narrow(t, dims, v));
    Ints lengths(at(grid[0]));
    if (io.has(7)) {
      const Ints mask = ints_of(io.in(7));
      if (mask.size() != ids.size()) bad_input(fmt::format("mask {}", dims_text(io.in(7).dims())));
      for (std::size_t i = 0; i < mask.size(); ++i) lengths[i / at(length)] += mask[i] == 1;
    }
    io.set(1, narrow(DType::int32, {grid[0]}, lengths));
  });
}

struct GroupAttrs {
  int64_t groups;
  bool last, silu;
  double epsilon;
};
// X + skip + bias first where there is a skip; then instances of channels / groups, one scale and shift a channel.
void group_norm(KernelIo& io, const GroupAttrs& a, bool skips) {
  const Tensor& x = io.in(0);
  if (x.rank() != 4) bad_input(fmt::format("the input is {}", dims_text(x.dims())));
  const int64_t batch = x.dims()[0], channels = a.last ? x.dims()[3] : x.dims()[1], plane = x.size() == 0 ? 0 : x.size() / (batch * channels);
  if (a.groups < 1 || channels % a.groups != 0) bad_input(fmt::format("{} groups of {} channels", a.groups, channels));
  const auto offset = [&](int64_t b, int64_t c, int64_t p) { return at(a.last ? (b * plane + p) * channels + c : (b * channels + c) * plane + p); };
  const std::vector<double> gamma = widen<double>(io.in(1)), beta = widen<double>(io.in(2));
  if (static_cast<int64_t>(gamma.size()) != channels || gamma.size() != beta.size()) bad_input("gamma and beta must have one value a channel");
  std::vector<double> v = widen<double>(x);
  if (skips) {
    const std::vector<double> skip = widen<double>(io.in(3)), bias = io.has(4) ? widen<double>(io.in(4)) : std::vector<double>(at(channels));
    const bool full = io.in(3).dims() == x.dims();
    if ((!full && io.in(3).size() != batch * channels) || static_cast<int64_t>(bias.size()) != channels)
      bad_input(fmt::format("skip {}", dims_text(io.in(3).dims())));
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t p = 0; p < plane; ++p) v[offset(b, c, p)] += (full ? skip[offset(b, c, p)] : skip[at(b * channels + c)]) + bias[at(c)];
    io.set(1, narrow(x.dtype(), x.dims(), v));
  }
  const int64_t size = channels / a.groups;
  std::vector<double> group(at(size * plane));
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t g = 0; g < a.groups; ++g) {
      for (int64_t c = 0; c < size; ++c)
        for (int64_t p = 0; p < plane; ++p) group[at(c * plane + p)] = v[offset(b, g * size + c, p)];
      const Moments m = moments(group.data(), size * plane, a.epsilon, false);
      for (int64_t c = g * size; c < (g + 1) * size; ++c)
        for (int64_t p = 0; p < plane; ++p) {
          double& e = v[offset(b, c, p)];
          e = (e - m.mean) * m.inverse * gamma[at(c)] + beta[at(c)];
          if (a.silu) e /= 1 + std::exp(-e);
        }
    }
  io.set(0, narrow(x.dtype(), x.dims(), v));
}
template <bool kSkip>
Maybe<RunFn> prepare_group_norm(const OpCall& call, ExecEnv&) {
  const GroupAttrs a{attr<int64_t>(call, "groups"), attr_or<int64_t>(call, "channels_last", 1) != 0, attr<int64_t>(call, "activation") == 1,
                     static_cast<double>(attr_or<float>(call, "epsilon", 1e-5f))};
  return RunFn([a](KernelIo& io) { group_norm(io, a, kSkip); });
}

std::vector<double> row_of(const Tensor& bias, const Tensor& x) {
  if (x.rank() < 1 || bias.size() != x.dims().back() || bias.size() == 0)
    bad_input(fmt::format("bias {} for {}", dims_text(bias.dims()), dims_text(x.dims())));
  return widen<double>(bias);
}
void run_bias_add(KernelIo& io) {
  const Tensor& x = io.in(0);
  const std::vector<double> bias = row_of(io.in(1), x), skip = widen<double>(io.in(2));
  if (io.in(2).dims() != x.dims()) bad_input(fmt::format("skip {} for {}", dims_text(io.in(2).dims()), dims_text(x.dims())));
  std::vector<double> v = widen<double>(x);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] += bias[i % bias.size()] + skip[i];
  io.set(0, narrow(x.dtype(), x.dims(), v));
}
// The left half times the Gelu of the right half.
void run_bias_split_gelu(KernelIo& io) {
  const Tensor& x = io.in(0);
  const std::vector<double> bias = row_of(io.in(1), x), v = widen<double>(x);
  if (bias.size() % 2 != 0) bad_input(fmt::format("{} cannot be halved", dims_text(x.dims())));
  const std::size_t half = bias.size() / 2;
  std::vector<double> out(v.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t from = i / half * 2 * half + i % half;
    const double left = v[from] + bias[i % half], right = v[from + half] + bias[i % half + half];
    out[i] = left * 0.5 * right * (1 + std::erf(right * 0.70710678118654752440));
  }
  Dims dims = x.dims();
  dims.back() /= 2;
  io.set(0, narrow(x.dtype(), dims, out));
}

// Softmax over the dims from `axis` on of data + bias; the bias lacks the dims before `axis`, or ones between.
Maybe<RunFn> prepare_bias_softmax(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr_or<int64_t>(call, "axis", 1)](KernelIo& io) {
    const Tensor &x = io.in(0), &bias = io.in(1);
    const auto axis = at(normalize_axis(stated, x.rank()));
    std::vector<double> v = widen<double>(x);
    const std::vector<double> b = broadcast_values(bias, x.dims(), "bias");
    for (std::size_t i = 0; i < v.size(); ++i) v[i] += b[i];
    const std::size_t n = at(product(x.dims(), axis));
    for (std::size_t r = 0; n > 0 && r < v.size(); r += n) {
      const double top = *std::max_element(v.begin() + static_cast<std::ptrdiff_t>(r), v.begin() + static_cast<std::ptrdiff_t>(r + n));
      double sum = 0;
      for (std::size_t i = r; i < r + n; ++i) sum += v[i] = std::exp(v[i] - top);
      for (std::size_t i = r; i < r + n; ++i) v[i] /= sum;
    }
    io.set(0, narrow(x.dtype(), x.dims(), v));
  });
}

constexpr Kernel kKernels[] = {
    {"", "SimplifiedLayerNormalization", 1, kAnyVersion, prepare_simplified_norm},
    {"com.microsoft", "EmbedLayerNormalization", 1, kAnyVersion, prepare_embed_norm<false>},
    {"com.microsoft", "QEmbedLayerNormalization", 1, kAnyVersion, prepare_embed_norm<true>},
    {"com.microsoft", "GroupNorm", 1, kAnyVersion, prepare_group_norm<false>},
    {"com.microsoft", "SkipGroupNorm", 1, kAnyVersion, prepare_group_norm<true>},
    {"com.microsoft", "BiasAdd", 1, kAnyVersion, simple<run_bias_add>},
    {"com.microsoft", "BiasSplitGelu", 1, kAnyVersion, simple<run_bias_split_gelu>},
    {"com.microsoft", "BiasSoftmax", 1, kAnyVersion, prepare_bias_softmax},
};

}  // namespace

std::span<const Kernel> contrib_norm_kernels() { return kKernels; }

}  // namespace onnxopt::ref
