// com.microsoft operators with packed weights: MatMulNBits, MatMulBnb4, GatherBlockQuantized.
#include <algorithm>
#include <array>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/matmul.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// Element i of `bits` bits, the lowest bits first.
int unpack(const std::uint8_t* data, int64_t i, int64_t bits) {
  const int64_t from = i * bits;
  unsigned v = data[from / 8];
  if (from % 8 + bits > 8) v |= static_cast<unsigned>(data[from / 8 + 1]) << 8;
  return static_cast<int>(v >> (from % 8)) & ((1 << bits) - 1);
}
const std::uint8_t* raw(const Tensor& t) {
  if (t.dtype() != DType::uint8) bad_input(fmt::format("packed data of type {}", dtype_name(t.dtype())));
  return reinterpret_cast<const std::uint8_t*>(t.bytes().data());
}
void expect_size(const Tensor& t, int64_t n, const char* what) {
  if (t.size() != n) bad_input(fmt::format("{} of {} elements, {} are needed", what, t.size(), n));
}

// x [..., k] times `weights` [n, k] transposed, plus a bias.
Tensor multiply(const Tensor& x, Tensor weights, const Tensor* bias) {
  const int64_t n = weights.dims()[0], k = weights.dims()[1];
  if (x.rank() < 1 || x.dims().back() != k) bad_input(fmt::format("the input is {}, the weights {}", dims_text(x.dims()), dims_text(weights.dims())));
  std::vector<float> w = widen<float>(weights), turned(w.size());
  for (int64_t r = 0; r < n; ++r)
    for (int64_t c = 0; c < k; ++c) turned[at(c * n + r)] = w[at(r * k + c)];
  const Tensor y = matmul(narrow(DType::float32, x.dims(), widen<float>(x)), narrow(DType::float32, {k, n}, turned));
  std::vector<float> v = widen<float>(y);
  if (bias) {
    expect_size(*bias, n, "bias");
    const std::vector<float> b = widen<float>(*bias);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] += b[i % b.size()];
  }
  return narrow(x.dtype(), y.dims(), v);
}

struct NBits {
  int64_t k, n, bits, block;
};
// B [n, blocks, block * bits / 8], scales and zero points [n, blocks]; zero points packed to whole bytes a row, or of the scales' type.
Tensor unpack_nbits(const NBits& a, const KernelIo& io) {
  const int64_t blocks = (a.k + a.block - 1) / a.block, row_bytes = blocks * a.block * a.bits / 8, zero_bytes = (blocks * a.bits + 7) / 8;
  expect_size(io.in(1), a.n * row_bytes, "B");
  expect_size(io.in(2), a.n * blocks, "scales");
  const std::uint8_t* data = raw(io.in(1));
  const std::vector<float> scales = widen<float>(io.in(2));
  std::vector<float> zeros(at(a.n * blocks), static_cast<float>(1 << (a.bits - 1)));
  if (io.has(3)) {
    const Tensor& z = io.in(3);
    if (z.dtype() == DType::uint8) {
      expect_size(z, a.n * zero_bytes, "zero_points");
      for (int64_t r = 0; r < a.n; ++r)
        for (int64_t b = 0; b < blocks; ++b) zeros[at(r * blocks + b)] = static_cast<float>(unpack(raw(z) + r * zero_bytes, b, a.bits));
    } else {
      expect_size(z, a.n * blocks, "zero_points");
      zeros = widen<float>(z);
    }
  }
  const Ints groups = io.has(4) ? ints_of(io.in(4)) : Ints();
  if (io.has(4)) {
    if (static_cast<int64_t>(groups.size()) < a.k) bad_input("g_idx is shorter than K");
    for (int64_t g : groups)
      if (g < 0 || g >= blocks) bad_input(fmt::format("g_idx names block {} of {}", g, blocks));
  }
  std::vector<float> w(at(a.n * a.k));
  for (int64_t r = 0; r < a.n; ++r)
    for (int64_t c = 0; c < a.k; ++c) {
      const std::size_t b = at(r * blocks + (groups.empty() ? c / a.block : groups[at(c)]));
      w[at(r * a.k + c)] = (static_cast<float>(unpack(data + r * row_bytes, c, a.bits)) - zeros[b]) * scales[b];
    }
  return narrow(DType::float32, {a.n, a.k}, w);
}
Maybe<RunFn> prepare_matmul_nbits(const OpCall& call, ExecEnv&) {
  const NBits a{attr<int64_t>(call, "K"), attr<int64_t>(call, "N"), attr_or<int64_t>(call, "bits", 4), attr<int64_t>(call, "block_size")};
  if (a.k < 1 || a.n < 1 || a.bits < 1 || a.bits > 8 || a.block < 1 || a.block > 1 << 20 || a.block * a.bits % 8 != 0 || a.k > INT32_MAX ||
      a.n > INT32_MAX)
    bad_input(fmt::format("K {}, N {}, {} bits in blocks of {}", a.k, a.n, a.bits, a.block));
  if (attr_or<int64_t>(call, "weight_prepacked", 0) != 0) return Maybe<RunFn>::none("weights packed for one processor are not run here");
  return RunFn([a](KernelIo& io) { io.set(0, multiply(io.in(0), unpack_nbits(a, io), io.has(5) ? &io.in(5) : nullptr)); });
}

// The code books of bitsandbytes: FP4 (sign, then one of eight magnitudes) and NF4.
constexpr std::array<float, 16> kFp4 = {0,  0.00520833333f,  0.66666667f,  1,  0.33333333f,  0.5f,  0.16666667f,  0.25f,
                                        -0, -0.00520833333f, -0.66666667f, -1, -0.33333333f, -0.5f, -0.16666667f, -0.25f};
constexpr std::array<float, 16> kNf4 = {-1,
                                        -0.6961928009986877f,
                                        -0.5250730514526367f,
                                        -0.39491748809814453f,
                                        -0.28444138169288635f,
                                        -0.18477343022823334f,
                                        -0.09105003625154495f,
                                        0,
                                        0.07958029955625534f,
                                        0.16093020141124725f,
                                        0.24611230194568634f,
                                        0.33791524171829224f,
                                        0.44070982933044434f,
                                        0.5626170039176941f,
                                        0.7229568362236023f,
                                        1};
Maybe<RunFn> prepare_matmul_bnb4(const OpCall& call, ExecEnv&) {
  const int64_t k = attr<int64_t>(call, "K"), n = attr<int64_t>(call, "N"), block = attr<int64_t>(call, "block_size"),
                type = attr<int64_t>(call, "quant_type");
  if (k < 1 || n < 1 || block < 1 || (type != 0 && type != 1) || k > INT32_MAX || n > INT32_MAX || block > INT32_MAX)
    bad_input(fmt::format("K {}, N {}, blocks of {}, quant_type {}", k, n, block, type));
  return RunFn([=, transposed = attr_or<int64_t>(call, "transB", 1) != 0](KernelIo& io) {
    expect_size(io.in(1), (n * k + 1) / 2, "B");
    expect_size(io.in(2), (n * k + block - 1) / block, "absmax");
    const std::uint8_t* data = raw(io.in(1));
    const std::vector<float> top = widen<float>(io.in(2));
    std::vector<float> w(at(n * k));
    for (int64_t i = 0; i < n * k; ++i) {
      const std::uint8_t code = i % 2 == 0 ? data[i / 2] >> 4 : data[i / 2] & 15;
      w[at(transposed ? i : i % n * k + i / n)] = (type == 0 ? kFp4 : kNf4)[code] * top[at(i / block)];
    }
    io.set(0, multiply(io.in(0), narrow(DType::float32, {n, k}, w), nullptr));
  });
}

struct GatherAttrs {
  int64_t gather, quantize, block, bits;
};
// uint8 holds 8 / bits elements a byte along the last dim; other types are elements.
struct Packed {
  const Tensor* t;
  int64_t bits;
  bool packed;
  std::vector<double> plain;
  Packed(const Tensor& x, int64_t b) : t(&x), bits(b), packed(x.dtype() == DType::uint8) {
    if (!packed) plain = widen<double>(x);
  }
  Dims dims() const {
    Dims d = t->dims();
    if (packed && !d.empty()) d.back() *= 8 / bits;
    return d;
  }
  // A row of the last dim that needs half a byte at its end is padded: `width` elements a row are in use.
  double get(int64_t row, int64_t column, int64_t width) const {
    if (!packed) return plain[at(row * width + column)];
    return unpack(raw(*t) + row * t->dims().back(), column, bits);
  }
};
void run_gather(KernelIo& io, const GatherAttrs& a) {
  const Packed data(io.in(0), a.bits);
  const Dims dims = data.dims();
  if (dims.empty()) bad_input("the data is a scalar");
  const auto rank = static_cast<int64_t>(dims.size());
  const auto gather = at(normalize_axis(a.gather, rank)), quantize = at(normalize_axis(a.quantize, rank));
  Dims scale_dims = dims;
  scale_dims[quantize] = (dims[quantize] + a.block - 1) / a.block;
  if (io.in(2).dims() != scale_dims)
    bad_input(fmt::format("scales {} for data {} in blocks of {}", dims_text(io.in(2).dims()), dims_text(dims), a.block));
  const std::vector<double> scales = widen<double>(io.in(2));
  std::vector<double> zeros(scales.size(), data.packed ? static_cast<double>(1 << (a.bits - 1)) : 0.0);
  if (io.has(3)) {
    const Packed z(io.in(3), a.bits);
    const int64_t width = scale_dims.back();
    const Dims stored = io.in(3).dims();
    const bool fits = z.packed ? !stored.empty() && stored.back() == (width * a.bits + 7) / 8 &&
                                     io.in(3).size() == element_count(scale_dims) / std::max<int64_t>(width, 1) * stored.back()
                               : stored == scale_dims;
    if (!fits) bad_input(fmt::format("zero points {} for scales {}", dims_text(stored), dims_text(scale_dims)));
    for (std::size_t i = 0; i < zeros.size(); ++i) zeros[i] = z.get(static_cast<int64_t>(i) / width, static_cast<int64_t>(i) % width, width);
  }
  Ints indices = ints_of(io.in(1));
  for (int64_t& i : indices) {
    if (i < -dims[gather] || i >= dims[gather]) bad_input(fmt::format("index {} of {}", i, dims[gather]));
    if (i < 0) i += dims[gather];
  }
  Dims out(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(gather));
  out.insert(out.end(), io.in(1).dims().begin(), io.in(1).dims().end());
  out.insert(out.end(), dims.begin() + static_cast<std::ptrdiff_t>(gather) + 1, dims.end());
  const int64_t inner = product(dims, gather + 1), count = static_cast<int64_t>(indices.size()), last = dims.back();
  const int64_t q_inner = product(dims, quantize + 1), q_length = dims[quantize], q_blocks = scale_dims[quantize];
  std::vector<double> v(at(element_count(out)));
  for (std::size_t i = 0; i < v.size(); ++i) {
    const auto e = static_cast<int64_t>(i);
    const int64_t from = (e / (inner * count) * dims[gather] + indices[at(e / inner % count)]) * inner + e % inner;
    const std::size_t s = at((from / (q_inner * q_length) * q_blocks + from / q_inner % q_length / a.block) * q_inner + from % q_inner);
    v[i] = (data.get(from / last, from % last, last) - zeros[s]) * scales[s];
  }
  io.set(0, narrow(io.in(2).dtype(), out, v));
}
Maybe<RunFn> prepare_gather(const OpCall& call, ExecEnv&) {
  const GatherAttrs a{attr_or<int64_t>(call, "gather_axis", 0), attr_or<int64_t>(call, "quantize_axis", 1), attr_or<int64_t>(call, "block_size", 128),
                      attr_or<int64_t>(call, "bits", 4)};
  if (a.block < 1 || a.block > INT32_MAX || (a.bits != 2 && a.bits != 4 && a.bits != 8))
    bad_input(fmt::format("{} bits in blocks of {}", a.bits, a.block));
  return RunFn([a](KernelIo& io) { run_gather(io, a); });
}

constexpr Kernel kKernels[] = {
    {"com.microsoft", "MatMulNBits", 1, kAnyVersion, prepare_matmul_nbits},
    {"com.microsoft", "MatMulBnb4", 1, kAnyVersion, prepare_matmul_bnb4},
    {"com.microsoft", "GatherBlockQuantized", 1, kAnyVersion, prepare_gather},
};

}  // namespace

std::span<const Kernel> contrib_weight_kernels() { return kKernels; }

}  // namespace onnxopt::ref
