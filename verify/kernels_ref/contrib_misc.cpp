// com.microsoft operators that are a standard one in another form, and small ones of their own (onnxruntime docs/ContribOperators.md).
#include <algorithm>
#include <cmath>
#include <map>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/matmul.h"
#include "verify/kernels_ref/standard.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

std::vector<RtValue> inputs_of(const KernelIo& io) {
  std::vector<RtValue> in;
  for (std::size_t i = 0; i < io.num_inputs(); ++i) in.push_back(io.value(i));
  return in;
}
// The standard operator of the same name, inputs and attributes.
Maybe<RunFn> prepare_same(const OpCall& call, ExecEnv& env) {
  return RunFn([op = StandardOp(call.op->name, *call.attrs, env)](KernelIo& io) { io.set(0, op.one(inputs_of(io))); });
}
void run_identity(KernelIo& io) { io.set(0, io.in(0)); }

Maybe<RunFn> prepare_grid_sample(const OpCall& call, ExecEnv& env) {
  Attrs attrs = *call.attrs;
  const std::string mode = attr_or<std::string>(call, "mode", "bilinear");
  attrs.set("mode", mode == "bilinear" ? std::string("linear") : mode == "bicubic" ? std::string("cubic") : mode);
  return RunFn([op = StandardOp("GridSample", std::move(attrs), env)](KernelIo& io) { io.set(0, op.one(inputs_of(io))); });
}

Tensor scalar_form(const Tensor& x) {
  if (x.size() != 1) bad_input(fmt::format("one value is needed, not {}", dims_text(x.dims())));
  return x.reshaped({});
}

// Start, limit and a step of one where it is left out, each a scalar or [1].
Maybe<RunFn> prepare_range(const OpCall&, ExecEnv& env) {
  return RunFn([op = StandardOp("Range", {}, env)](KernelIo& io) {
    std::vector<RtValue> in;
    for (std::size_t i = 0; i < 3; ++i) in.emplace_back(io.has(i) ? scalar_form(io.in(i)) : narrow(io.in(0).dtype(), {}, std::vector<double>{1}));
    io.set(0, op.one(in));
  });
}

// Pads may also be [1, 2 * rank].
Maybe<RunFn> prepare_pad(const OpCall& call, ExecEnv& env) {
  return RunFn([op = StandardOp("Pad", *call.attrs, env)](KernelIo& io) {
    std::vector<RtValue> in = inputs_of(io);
    in[1] = io.in(1).reshaped({io.in(1).size()});
    if (io.has(2)) in[2] = scalar_form(io.in(2));
    io.set(0, op.one(in));
  });
}

void run_expand_dims(KernelIo& io) {
  const Tensor& x = io.in(0);
  const int64_t axis = normalize_axis(scalar_of<int64_t>(io.in(1)), x.rank() + 1);
  Dims dims = x.dims();
  dims.insert(dims.begin() + axis, 1);
  io.set(0, x.reshaped(dims));
}

// In the order of their first appearance.
void run_unique(KernelIo& io) {
  const Tensor& x = io.in(0);
  if (x.rank() != 1) bad_input(fmt::format("the input is {}", dims_text(x.dims())));
  const std::vector<double> v = widen<double>(x);
  std::map<double, int64_t> seen;
  std::vector<double> values;
  Ints places, counts;
  for (double e : v) {
    const auto [it, fresh] = seen.try_emplace(e, static_cast<int64_t>(values.size()));
    if (fresh) values.push_back(e), counts.push_back(0);
    places.push_back(it->second);
    ++counts[at(it->second)];
  }
  const auto n = static_cast<int64_t>(values.size());
  io.set(0, narrow(x.dtype(), {n}, values));
  io.set(1, narrow(DType::int64, x.dims(), places));
  io.set(2, narrow(DType::int64, {n}, counts));
}

// Gauss-Jordan with partial pivoting; a singular matrix divides by zero, as in numpy's LAPACK-free relatives.
void invert(double* m, int64_t n) {
  std::vector<double> inverse(at(n * n));
  for (int64_t i = 0; i < n; ++i) inverse[at(i * n + i)] = 1;
  for (int64_t c = 0; c < n; ++c) {
    int64_t pivot = c;
    for (int64_t r = c + 1; r < n; ++r)
      if (std::abs(m[r * n + c]) > std::abs(m[pivot * n + c])) pivot = r;
    for (int64_t k = 0; k < n && pivot != c; ++k) {
      std::swap(m[pivot * n + k], m[c * n + k]);
      std::swap(inverse[at(pivot * n + k)], inverse[at(c * n + k)]);
    }
    const double scale = 1 / m[c * n + c];
    for (int64_t k = 0; k < n; ++k) m[c * n + k] *= scale, inverse[at(c * n + k)] *= scale;
    for (int64_t r = 0; r < n; ++r) {
      const double f = m[r * n + c];
      for (int64_t k = 0; k < n && r != c; ++k) m[r * n + k] -= f * m[c * n + k], inverse[at(r * n + k)] -= f * inverse[at(c * n + k)];
    }
  }
  std::copy(inverse.begin(), inverse.end(), m);
}
void run_inverse(KernelIo& io) {
  const Tensor& x = io.in(0);
  const int64_t n = x.rank() < 2 ? -1 : x.dims().back();
  if (n < 0 || x.dims()[x.dims().size() - 2] != n) bad_input(fmt::format("matrices of {}", dims_text(x.dims())));
  std::vector<double> v = widen<double>(x);
  for (int64_t i = 0; n > 0 && i < x.size(); i += n * n) invert(v.data() + i, n);
  io.set(0, narrow(x.dtype(), x.dims(), v));
}

// Squared distances of every row of A to every row of B, or their roots.
Maybe<RunFn> prepare_cdist(const OpCall& call, ExecEnv&) {
  const std::string metric = attr_or<std::string>(call, "metric", "sqeuclidean");
  if (metric != "sqeuclidean" && metric != "euclidean") return Maybe<RunFn>::none("the metric '" + metric + "' is not run here");
  return RunFn([root = metric == "euclidean"](KernelIo& io) {
    const Tensor &a = io.in(0), &b = io.in(1);
    if (a.rank() != 2 || b.rank() != 2 || a.dims()[1] != b.dims()[1]) bad_input(fmt::format("A {}, B {}", dims_text(a.dims()), dims_text(b.dims())));
    const std::vector<double> x = widen<double>(a), y = widen<double>(b);
    const int64_t m = a.dims()[0], k = b.dims()[0], n = a.dims()[1];
    std::vector<double> out(at(m * k));
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < k; ++j) {
        double sum = 0;
        for (int64_t e = 0; e < n; ++e) sum += (x[at(i * n + e)] - y[at(j * n + e)]) * (x[at(i * n + e)] - y[at(j * n + e)]);
        out[at(i * k + j)] = root ? std::sqrt(sum) : sum;
      }
    io.set(0, narrow(a.dtype(), {m, k}, out));
  });
}

std::uint32_t rotate_left(std::uint32_t v, int n) { return v << n | v >> (32 - n); }
// MurmurHash3_x86_32.
std::uint32_t murmur3(const unsigned char* data, std::size_t size, std::uint32_t seed) {
  constexpr std::uint32_t kOne = 0xcc9e2d51, kTwo = 0x1b873593;
  std::uint32_t h = seed, tail = 0;
  const std::size_t blocks = size / 4;
  for (std::size_t i = 0; i < blocks; ++i) {
    std::uint32_t k;
    std::memcpy(&k, data + 4 * i, 4);
    h = rotate_left(h ^ rotate_left(k * kOne, 15) * kTwo, 13) * 5 + 0xe6546b64;
  }
  for (std::size_t i = size % 4; i-- > 0;) tail = tail << 8 | data[4 * blocks + i];
  if (size % 4) h ^= rotate_left(tail * kOne, 15) * kTwo;
  h ^= static_cast<std::uint32_t>(size);
  h = (h ^ h >> 16) * 0x85ebca6b;
  h = (h ^ h >> 13) * 0xc2b2ae35;
  return h ^ h >> 16;
}
Maybe<RunFn> prepare_murmur(const OpCall& call, ExecEnv&) {
  return RunFn(
      [seed = static_cast<std::uint32_t>(attr_or<int64_t>(call, "seed", 0)), positive = attr_or<int64_t>(call, "positive", 1) != 0](KernelIo& io) {
        const Tensor& x = io.in(0);
        std::vector<int64_t> v;
        const auto add = [&](const void* p, std::size_t n) {
          const std::uint32_t h = murmur3(static_cast<const unsigned char*>(p), n, seed);
          v.push_back(positive ? int64_t{h} : int64_t{static_cast<std::int32_t>(h)});
        };
        if (x.dtype() == DType::string)
          for (const std::string& s : x.strings()) add(s.data(), s.size());
        else
          for (int64_t i = 0, n = bit_width(x.dtype()) / 8; i < x.size(); ++i) add(x.bytes().data() + i * n, at(n));
        io.set(0, narrow(positive ? DType::uint32 : DType::int32, x.dims(), v));
      });
}

Maybe<RunFn> prepare_is_all_finite(const OpCall& call, ExecEnv&) {
  return RunFn([inf = attr_or<int64_t>(call, "isinf_only", 0) != 0, nan = attr_or<int64_t>(call, "isnan_only", 0) != 0](KernelIo& io) {
    bool fine = true;
    for (std::size_t i = 0; i < io.num_inputs(); ++i)
      for (double e : widen<double>(io.in(i))) fine &= (nan || !std::isinf(e)) && (inf || !std::isnan(e));
    io.set(0, narrow(DType::boolean, {}, std::vector<double>{fine ? 1.0 : 0.0}));
  });
}

Maybe<RunFn> prepare_conv_transpose(const OpCall& call, ExecEnv& env) {
  return RunFn([attrs = *call.attrs, &env](KernelIo& io) {
    Attrs all = attrs;
    if (io.has(2)) all.set("pads", ints_of(io.in(2)));
    const StandardOp op("ConvTranspose", std::move(all), env);
    io.set(0, op.one({io.in(0), io.in(1), io.has(3) ? io.value(3) : RtValue()}));
  });
}

// TensorFlow's: boxes y1, x1, y2, x2 relative to the image; corners are aligned.
struct Axis {
  double first, step, size;
  Axis(double from, double to, int64_t in, int64_t out)
      : first((out > 1 ? from : 0.5 * (from + to)) * static_cast<double>(in - 1)),
        step(out > 1 ? (to - from) * static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0),
        size(static_cast<double>(in - 1)) {}
  double position(int64_t i) const { return static_cast<double>(static_cast<float>(first + static_cast<double>(i) * step)); }
};
double sample(const double* plane, int64_t width, double y, double x, bool nearest) {
  const auto get = [&](double r, double c) { return plane[static_cast<int64_t>(r) * width + static_cast<int64_t>(c)]; };
  if (nearest) return get(std::round(y), std::round(x));
  const double top = std::floor(y), left = std::floor(x), bottom = std::ceil(y), right = std::ceil(x), dx = x - left, dy = y - top;
  const double upper = get(top, left) + (get(top, right) - get(top, left)) * dx,
               lower = get(bottom, left) + (get(bottom, right) - get(bottom, left)) * dx;
  return upper + (lower - upper) * dy;
}
Maybe<RunFn> prepare_crop(const OpCall& call, ExecEnv&) {
  const std::string mode = attr_or<std::string>(call, "mode", "bilinear");
  if (mode != "bilinear" && mode != "nearest") bad_input("attribute 'mode': " + mode);
  return RunFn([nearest = mode == "nearest", outside = static_cast<double>(attr_or<float>(call, "extrapolation_value", 0))](KernelIo& io) {
    const Tensor &x = io.in(0), &rois = io.in(1);
    const Ints which = ints_of(io.in(2)), size = ints_of(io.in(3));
    const auto boxes = static_cast<int64_t>(which.size());
    if (x.rank() != 4 || rois.dims() != Dims{boxes, 4} || size.size() != 2 || size[0] < 1 || size[1] < 1)
      bad_input(fmt::format("input {}, boxes {}, crop_size {}", dims_text(x.dims()), dims_text(rois.dims()), fmt::join(size, "x")));
    const int64_t channels = x.dims()[1], height = x.dims()[2], width = x.dims()[3];
    Buffer out(x.dtype(), {boxes, channels, size[0], size[1]});
    const std::vector<double> v = widen<double>(x), r = widen<double>(rois);
    std::vector<double> y(at(out.size()));
    for (int64_t b = 0; b < boxes; ++b) {
      if (which[at(b)] < 0 || which[at(b)] >= x.dims()[0]) bad_input(fmt::format("image {} of {}", which[at(b)], x.dims()[0]));
      const Axis rows(r[at(4 * b)], r[at(4 * b + 2)], height, size[0]), columns(r[at(4 * b + 1)], r[at(4 * b + 3)], width, size[1]);
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t i = 0; i < size[0]; ++i)
          for (int64_t j = 0; j < size[1]; ++j) {
            const double py = rows.position(i), px = columns.position(j);
            const bool inside = py >= 0 && py <= rows.size && px >= 0 && px <= columns.size;
            y[at(((b * channels + c) * size[0] + i) * size[1] + j)] =
                inside ? sample(v.data() + (which[at(b)] * channels + c) * height * width, width, py, px, nearest) : outside;
          }
    }
    io.set(0, narrow(x.dtype(), out.dims(), y));
  });
}

// T5's buckets of the distance of key and query: table [buckets, heads], result [1, heads, queries, keys].
Maybe<RunFn> prepare_relative_bias(const OpCall& call, ExecEnv&) {
  return RunFn([both = attr_or<int64_t>(call, "is_bidirectional", 0) != 0, farthest = attr<int64_t>(call, "max_distance")](KernelIo& io) {
    const Tensor& table = io.in(0);
    const int64_t queries = scalar_of<int64_t>(io.in(1)), keys = scalar_of<int64_t>(io.in(2));
    if (table.rank() != 2 || queries < 0 || keys < 0 || queries > 1 << 20 || keys > 1 << 20)
      bad_input(fmt::format("table {}, {} queries, {} keys", dims_text(table.dims()), queries, keys));
    const int64_t heads = table.dims()[1], buckets = both ? table.dims()[0] / 2 : table.dims()[0], exact = buckets / 2;
    const std::vector<double> v = widen<double>(table);
    Buffer shape(table.dtype(), {1, heads, queries, keys});
    std::vector<double> out(at(shape.size()));
    for (int64_t q = 0; q < queries; ++q)
      for (int64_t k = 0; k < keys; ++k) {
        int64_t distance = q - k, bucket = 0;
        if (both && distance < 0) bucket = buckets;
        distance = both ? std::abs(distance) : std::max<int64_t>(distance, 0);
        const double log = std::log(static_cast<double>(distance) / static_cast<double>(exact)) /
                           std::log(static_cast<double>(farthest) / static_cast<double>(exact));
        bucket += distance < exact
                      ? distance
                      : std::min(exact + static_cast<int64_t>(static_cast<float>(log) * static_cast<float>(buckets - exact)), buckets - 1);
        for (int64_t h = 0; h < heads; ++h) out[at((h * queries + q) * keys + k)] = v[at(bucket * heads + h)];
      }
    io.set(0, narrow(table.dtype(), shape.dims(), out));
  });
}

// Aggressive decoding: predicted tokens are taken while they follow the source, then the last n-gram is looked up in the source.
int64_t single_match(const Ints& source, const Ints& tail) {
  auto it = std::search(source.begin(), source.end(), tail.begin(), tail.end());
  if (it == source.end()) return -1;
  return std::search(it + 1, source.end(), tail.begin(), tail.end()) == source.end() ? it - source.begin() : -1;
}
Maybe<RunFn> prepare_bifurcation(const OpCall& call, ExecEnv&) {
  return RunFn([low = attr_or<int64_t>(call, "min_ngram_size", 1), high = attr_or<int64_t>(call, "max_ngram_size", 3)](KernelIo& io) {
    const Ints source = ints_of(io.in(0));
    Ints tokens = ints_of(io.in(1));
    const int64_t from = scalar_of<int64_t>(io.in(2)), rest = static_cast<int64_t>(source.size()) - from;
    if (io.has(3)) {
      const Ints predicted = ints_of(io.in(3));
      if (from < 0 || static_cast<int64_t>(predicted.size()) != rest + 1)
        bad_input(fmt::format("{} predicted tokens for {} of the source", predicted.size(), rest));
      int64_t same = 0;
      while (same < rest && predicted[at(same)] == source[at(from + same)]) ++same;
      tokens.insert(tokens.end(), predicted.begin(), predicted.begin() + same + 1);
    }
    int64_t found = -1;
    for (int64_t n = low; n <= high && n <= static_cast<int64_t>(tokens.size()) && n > 0; ++n) {
      const Ints tail(tokens.end() - n, tokens.end());
      if (std::search(source.begin(), source.end(), tail.begin(), tail.end()) == source.end()) break;
      const int64_t one = single_match(source, tail);
      if (one < 0) continue;
      found = one + n;
      break;
    }
    io.set(0, narrow(DType::int64, {static_cast<int64_t>(tokens.size())}, tokens));
    io.set(1, narrow(DType::int64, {1}, Ints{found}));
  });
}

// Operators that ONNX 1.x dropped and ONNX Runtime still runs: x * scale + bias[channel], alpha * x + beta, alpha * tanh(beta * x).
Maybe<RunFn> prepare_image_scaler(const OpCall& call, ExecEnv&) {
  return RunFn([scale = static_cast<double>(attr_or<float>(call, "scale", 1)), bias = attr_or<Floats>(call, "bias", {})](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() != 4 || static_cast<int64_t>(bias.size()) != x.dims()[1])
      bad_input(fmt::format("{} biases for {}", bias.size(), dims_text(x.dims())));
    std::vector<double> v = widen<double>(x);
    const auto plane = at(x.dims()[2] * x.dims()[3]);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = v[i] * scale + static_cast<double>(bias[i / plane % bias.size()]);
    io.set(0, narrow(x.dtype(), x.dims(), v));
  });
}
template <class F>
Maybe<RunFn> two_numbers(const OpCall& call, F fn) {
  return RunFn(
      [fn, a = static_cast<double>(attr_or<float>(call, "alpha", 1)), b = static_cast<double>(attr_or<float>(call, "beta", 0))](KernelIo& io) {
        std::vector<double> v = widen<double>(io.in(0));
        for (double& e : v) e = fn(a, b, e);
        io.set(0, narrow(io.in(0).dtype(), io.in(0).dims(), v));
      });
}
Maybe<RunFn> prepare_affine(const OpCall& call, ExecEnv&) {
  return two_numbers(call, [](double a, double b, double x) { return a * x + b; });
}
Maybe<RunFn> prepare_scaled_tanh(const OpCall& call, ExecEnv&) {
  return two_numbers(call, [](double a, double b, double x) { return a * std::tanh(b * x); });
}
Maybe<RunFn> prepare_parametric_softplus(const OpCall& call, ExecEnv&) {
  return two_numbers(call, [](double a, double b, double x) { return a * (b * x > 30 ? b * x : std::log1p(std::exp(b * x))); });
}

Tensor as_double(const Tensor& x) { return narrow(DType::float64, x.dims(), widen<double>(x)); }
void run_matmul_integer16(KernelIo& io) {
  const Tensor y = matmul(as_double(io.in(0)), as_double(io.in(1)));
  io.set(0, narrow(DType::int32, y.dims(), widen<double>(y)));
}

// alpha * A * B, where A is sparse and either may be transposed.
template <class C>
Tensor sparse_product(const SparseTensor& a, const Tensor& b, bool transpose_a, bool transpose_b, double alpha) {
  if (a.dims.size() != 2 || b.rank() != 2) bad_input(fmt::format("A {}, B {}", dims_text(a.dims), dims_text(b.dims())));
  const int64_t m = a.dims[transpose_a ? 1 : 0], k = a.dims[transpose_a ? 0 : 1], n = b.dims()[transpose_b ? 0 : 1], b_row = b.dims()[1];
  if (b.dims()[transpose_b ? 1 : 0] != k) bad_input(fmt::format("A {}, B {}", dims_text(a.dims), dims_text(b.dims())));
  const std::vector<C> values = widen<C>(a.values), dense = widen<C>(b);
  const Ints places = values.empty() ? Ints() : ints_of(a.indices);
  const bool linear = a.indices.rank() < 2;
  if (places.size() != values.size() * (linear ? 1 : 2)) bad_input(fmt::format("{} indices of {} sparse values", places.size(), values.size()));
  Buffer shape(b.dtype(), {m, n});
  std::vector<C> out(at(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    int64_t r = linear ? places[i] / a.dims[1] : places[2 * i], c = linear ? places[i] % a.dims[1] : places[2 * i + 1];
    if (r < 0 || r >= a.dims[0] || c < 0 || c >= a.dims[1]) bad_input(fmt::format("a sparse value at {}, {} of {}", r, c, dims_text(a.dims)));
    if (transpose_a) std::swap(r, c);
    for (int64_t j = 0; j < n; ++j) out[at(r * n + j)] += values[i] * dense[at(transpose_b ? j * b_row + c : c * b_row + j)];
  }
  if (alpha != 1)
    for (C& v : out) v = static_cast<C>(alpha * static_cast<double>(v));
  return narrow(b.dtype(), {m, n}, out);
}
Maybe<RunFn> prepare_sparse_matmul(const OpCall& call, ExecEnv&) {
  return RunFn([a = attr_or<int64_t>(call, "transA", 0) != 0, b = attr_or<int64_t>(call, "transB", 0) != 0,
                alpha = static_cast<double>(attr_or<float>(call, "alpha", 1))](KernelIo& io) {
    const auto* sparse = std::get_if<std::shared_ptr<const SparseTensor>>(&io.value(0).v);
    if (!sparse) bad_input("input 0 is not a sparse tensor");
    io.set(0, is_float(io.in(1).dtype()) ? sparse_product<double>(**sparse, io.in(1), a, b, alpha)
                                         : sparse_product<int64_t>(**sparse, io.in(1), a, b, alpha));
  });
}

// The score of a token that would repeat an n-gram of the row is -inf.
Maybe<RunFn> prepare_ngram_block(const OpCall& call, ExecEnv&) {
  const auto n = attr<int64_t>(call, "ngram_size");
  if (n < 1) bad_input(fmt::format("attribute 'ngram_size': {}", n));
  return RunFn([n](KernelIo& io) {
    const Tensor &ids = io.in(0), &scores = io.in(1);
    if (ids.rank() != 2 || scores.rank() != 2 || ids.dims()[0] != scores.dims()[0])
      bad_input(fmt::format("input_ids {}, scores {}", dims_text(ids.dims()), dims_text(scores.dims())));
    const Ints tokens = ints_of(ids);
    std::vector<double> out = widen<double>(scores);
    const int64_t length = ids.dims()[1], words = scores.dims()[1];
    for (int64_t row = 0; row < ids.dims()[0]; ++row) {
      const auto begin = tokens.begin() + row * length, tail = begin + length - std::min(n - 1, length);
      for (int64_t i = 0; i <= length - n; ++i) {
        if (!std::equal(begin + i, begin + i + n - 1, tail)) continue;
        const int64_t token = begin[i + n - 1];
        if (token < 0 || token >= words) bad_input(fmt::format("token {} of {}", token, words));
        out[at(row * words + token)] = -INFINITY;
      }
    }
    io.set(0, narrow(scores.dtype(), scores.dims(), out));
  });
}

// Slices of `size` elements along `dim`, one every `step`, as a new last axis.
Maybe<RunFn> prepare_unfold(const OpCall& call, ExecEnv&) {
  const auto size = attr<int64_t>(call, "size"), step = attr_or<int64_t>(call, "step", 1);
  if (size < 1 || step < 1) bad_input(fmt::format("a size of {} and a step of {}", size, step));
  return RunFn([size, step, stated = attr_or<int64_t>(call, "dim", -1)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const auto axis = at(normalize_axis(stated, x.rank()));
    if (x.dims()[axis] < size) bad_input(fmt::format("slices of {} of an axis of {}", size, x.dims()[axis]));
    Dims dims = x.dims();
    const int64_t length = dims[axis], count = (length - size) / step + 1, inner = product(dims, axis + 1), outer = product(dims, 0, axis);
    dims[axis] = count;
    dims.push_back(size);
    const std::size_t width = static_cast<std::size_t>(bit_width(x.dtype())) / 8;
    if (x.dtype() == DType::string || width == 0) bad_input(fmt::format("elements of type {}", dtype_name(x.dtype())));
    Buffer out(x.dtype(), dims);
    std::byte* to = out.bytes();
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t c = 0; c < count; ++c)
        for (int64_t i = 0; i < inner; ++i)
          for (int64_t k = 0; k < size; ++k) to = std::copy_n(x.bytes().data() + at((o * length + c * step + k) * inner + i) * width, width, to);
    io.set(0, std::move(out).tensor());
  });
}

// The cheapest path through a matrix of costs from its first to its last element, as row and column numbers. In float: sums decide between paths.
void run_time_warping(KernelIo& io) {
  const Tensor& x = io.in(0);
  if (x.rank() < 2 || x.rank() > 3 || (x.rank() == 3 && x.dims()[0] != 1) || x.size() == 0)
    bad_input(fmt::format("costs of {}", dims_text(x.dims())));
  const int64_t rows = x.dims()[x.dims().size() - 2], columns = x.dims().back(), pitch = columns + 1;
  const FloatView cost(x);
  std::vector<float> total(at((rows + 1) * pitch), INFINITY);
  std::vector<char> from(total.size());  // 0: from both before, 1: from the row before, 2: from the column before
  total[0] = 0;
  for (int64_t j = 1; j <= columns; ++j)
    for (int64_t i = 1; i <= rows; ++i) {
      const float both = total[at((i - 1) * pitch + j - 1)], row = total[at((i - 1) * pitch + j)], column = total[at(i * pitch + j - 1)];
      const int best = both < row && both < column ? 0 : row < both && row < column ? 1 : 2;
      from[at(i * pitch + j)] = static_cast<char>(best);
      total[at(i * pitch + j)] = (best == 0 ? both : best == 1 ? row : column) + cost.data[(i - 1) * columns + j - 1];
    }
  Ints path_rows, path_columns;
  for (int64_t i = rows, j = columns; i > 0 || j > 0;) {
    path_rows.push_back(i - 1);
    path_columns.push_back(j - 1);
    const int step = i == 0 ? 2 : j == 0 ? 1 : from[at(i * pitch + j)];
    i -= step != 2;
    j -= step != 1;
  }
  const auto n = static_cast<int64_t>(path_rows.size());
  Ints both(path_rows.rbegin(), path_rows.rend());
  both.insert(both.end(), path_columns.rbegin(), path_columns.rend());
  io.set(0, narrow(DType::int32, {2, n}, both));
}

// x * sigmoid(x) of the scaled input, rounded to its type after each step.
Maybe<RunFn> prepare_scaled_silu(const OpCall& call, ExecEnv&) {
  return RunFn([alpha = static_cast<double>(attr_or<float>(call, "alpha", 1))](KernelIo& io) {
    const Tensor& x = io.in(0);
    const double scale = io.has(1) ? scalar_of<double>(io.in(1)) : alpha;
    const auto rounded = [&](std::vector<double> v) { return widen<double>(narrow(x.dtype(), x.dims(), v)); };
    std::vector<double> z = widen<double>(x);
    for (double& e : z) e *= scale;
    z = rounded(std::move(z));
    std::vector<double> s = z;
    for (double& e : s) e = 1 / (1 + std::exp(-e));
    s = rounded(std::move(s));
    for (std::size_t i = 0; i < z.size(); ++i) z[i] *= s[i];
    io.set(0, narrow(x.dtype(), x.dims(), z));
  });
}

constexpr Kernel kKernels[] = {
    {"", "Affine", 1, kAnyVersion, prepare_affine},
    {"", "ImageScaler", 1, kAnyVersion, prepare_image_scaler},
    {"", "ParametricSoftplus", 1, kAnyVersion, prepare_parametric_softplus},
    {"", "ScaledTanh", 1, kAnyVersion, prepare_scaled_tanh},
    {"com.microsoft", "BifurcationDetector", 1, kAnyVersion, prepare_bifurcation},
    {"com.microsoft", "CDist", 1, kAnyVersion, prepare_cdist},
    {"com.microsoft", "ConvTransposeWithDynamicPads", 1, kAnyVersion, prepare_conv_transpose},
    {"com.microsoft", "CropAndResize", 1, kAnyVersion, prepare_crop},
    {"com.microsoft", "DynamicTimeWarping", 1, kAnyVersion, simple<run_time_warping>},
    {"com.microsoft", "ExpandDims", 1, kAnyVersion, simple<run_expand_dims>},
    {"com.microsoft", "GatherND", 1, kAnyVersion, prepare_same},
    {"com.microsoft", "GridSample", 1, kAnyVersion, prepare_grid_sample},
    {"com.microsoft", "Inverse", 1, kAnyVersion, simple<run_inverse>},
    {"com.microsoft", "IsAllFinite", 1, kAnyVersion, prepare_is_all_finite},
    {"com.microsoft", "MatMulInteger16", 1, kAnyVersion, simple<run_matmul_integer16>},
    {"com.microsoft", "MurmurHash3", 1, kAnyVersion, prepare_murmur},
    {"com.microsoft", "NGramRepeatBlock", 1, kAnyVersion, prepare_ngram_block},
    {"com.microsoft", "Pad", 1, kAnyVersion, prepare_pad},
    {"com.microsoft", "Range", 1, kAnyVersion, prepare_range},
    {"com.microsoft", "RelativePositionBias", 1, kAnyVersion, prepare_relative_bias},
    {"com.microsoft", "SampleOp", 1, kAnyVersion, simple<run_identity>},
    {"com.microsoft", "ScaledSiLU", 1, kAnyVersion, prepare_scaled_silu},
    {"com.microsoft", "SparseToDenseMatMul", 1, kAnyVersion, prepare_sparse_matmul},
    {"com.microsoft", "Trilu", 1, kAnyVersion, prepare_same},
    {"com.microsoft", "UnfoldTensor", 1, kAnyVersion, prepare_unfold},
    {"com.microsoft", "Unique", 1, kAnyVersion, simple<run_unique>},
};

}  // namespace

std::span<const Kernel> contrib_misc_kernels() { return kKernels; }

}  // namespace onnxopt::ref
