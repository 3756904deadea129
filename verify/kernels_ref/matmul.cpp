// MatMul and Gemm.
#include "verify/kernels_ref/matmul.h"

#include "verify/kernels_ref/broadcast.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/gemm.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using std::uint64_t;

struct MatMulShape {
  int64_t m, k, n;
  Dims batch, a_batch, b_batch, out;
};
MatMulShape matmul_shape(const Dims& a, const Dims& b) {
  const auto fail = [&] { bad_input(fmt::format("cannot multiply {} by {}", dims_text(a), dims_text(b))); };
  if (a.empty() || b.empty()) fail();
  MatMulShape s;
  s.m = a.size() == 1 ? 1 : a[a.size() - 2];
  s.k = a.back();
  s.n = b.size() == 1 ? 1 : b.back();
  if ((b.size() == 1 ? b[0] : b[b.size() - 2]) != s.k) fail();
  s.a_batch.assign(a.begin(), a.size() < 2 ? a.begin() : a.end() - 2);
  s.b_batch.assign(b.begin(), b.size() < 2 ? b.begin() : b.end() - 2);
  s.out = s.batch = broadcast(s.a_batch, s.b_batch);
  if (a.size() > 1) s.out.push_back(s.m);
  if (b.size() > 1) s.out.push_back(s.n);
  return s;
}

// Calls product(offset of a, offset of b, offset of c) for every batch, offsets in elements.
template <class F>
void for_batches(const MatMulShape& s, F product_of) {
  const Dims* shapes[] = {&s.a_batch, &s.b_batch};
  const BroadcastLoop loop(shapes);
  const auto step = loop.strides.back();
  const int64_t a_size = s.m * s.k, b_size = s.k * s.n, c_size = s.m * s.n;
  loop.for_rows(0, loop.rows(), [&](int64_t at, const auto& o) {
    for (int64_t i = 0; i < loop.row(); ++i) product_of((o[0] + i * step[0]) * a_size, (o[1] + i * step[1]) * b_size, (at + i) * c_size);
  });
}

// Floats of 32 bits and less multiply in float32.
Tensor matmul_float(const Tensor& a, const Tensor& b, const MatMulShape& s) {
  const FloatView x(a), y(b);
  Buffer c(DType::float32, s.out);
  float* out = c.as<float>();
  // Rows of a batch that shares its right operand are one tall matrix.
  if (product(s.b_batch) == 1 && product(s.batch) == product(s.a_batch)) {
    gemm(product(s.batch) * s.m, s.n, s.k, {x.data, s.k, 1}, {y.data, s.n, 1}, out, s.n);
  } else {
    const int64_t batches = product(s.batch);
    std::vector<std::array<int64_t, 3>> offsets;
    for_batches(s, [&](int64_t oa, int64_t ob, int64_t oc) { offsets.push_back({oa, ob, oc}); });
    const double work = 0.05 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k) + 100;
    parallel_for(batches, work, [&](int64_t from, int64_t to) {
      const bool threaded = from == 0 && to == batches && batches == 1;
      for (int64_t i = from; i < to; ++i) {
        const auto [oa, ob, oc] = offsets[static_cast<std::size_t>(i)];
        gemm(s.m, s.n, s.k, {x.data + oa, s.k, 1}, {y.data + ob, s.n, 1}, out + oc, s.n, {.threaded = threaded});
      }
    });
  }
  if (a.dtype() == DType::float32) return std::move(c).tensor();
  Buffer rounded(a.dtype(), s.out);
  store_block<float>(a.dtype(), rounded.bytes(), 0, rounded.size(), out);
  return std::move(rounded).tensor();
}

template <class C>
Tensor matmul_plain(const Tensor& a, const Tensor& b, const MatMulShape& s) {
  const std::vector<C> x = widen<C>(a), y = widen<C>(b);
  std::vector<C> out(static_cast<std::size_t>(element_count(s.out)));
  for_batches(s, [&](int64_t oa, int64_t ob, int64_t oc) {
    gemm_plain<C>(s.m, s.n, s.k, {x.data() + oa, s.k, 1}, {y.data() + ob, s.n, 1}, out.data() + oc, s.n);
  });
  return narrow(a.dtype(), s.out, out);
}

void run_matmul(KernelIo& io) { io.set(0, matmul(io.in(0), io.in(1))); }

struct GemmAttrs {
  double alpha, beta;
  bool trans_a, trans_b;
};

// C broadcasts one way to [m, n].
void add_scaled(std::vector<double>& out, const Tensor& c, int64_t m, int64_t n, double beta) {
  const Dims shape{m, n};
  if (broadcast(shape, c.dims()) != shape) bad_input(fmt::format("C is {}, the product {}x{}", dims_text(c.dims()), m, n));
  const std::vector<double> v = widen<double>(c);
  const Dims* shapes[] = {&shape, &c.dims()};
  const BroadcastLoop loop(shapes);
  const int64_t step = loop.strides.back()[1];
  loop.for_rows(0, loop.rows(), [&](int64_t at, const auto& o) {
    for (int64_t i = 0; i < loop.row(); ++i) out[static_cast<std::size_t>(at + i)] += beta * v[static_cast<std::size_t>(o[1] + i * step)];
  });
}

void run_gemm(KernelIo& io, const GemmAttrs& g) {
  const Tensor &a = io.in(0), &b = io.in(1);
  if (a.rank() != 2 || b.rank() != 2 || a.dtype() != b.dtype())
    bad_input(fmt::format("cannot multiply {} by {}", dims_text(a.dims()), dims_text(b.dims())));
  const int64_t m = a.dims()[g.trans_a ? 1 : 0], k = a.dims()[g.trans_a ? 0 : 1], n = b.dims()[g.trans_b ? 0 : 1];
  if (b.dims()[g.trans_b ? 1 : 0] != k)
    bad_input(fmt::format("cannot multiply {}{} by {}{}", dims_text(a.dims()), g.trans_a ? "'" : "", dims_text(b.dims()), g.trans_b ? "'" : ""));
  const int64_t a_row = g.trans_a ? 1 : k, a_column = g.trans_a ? m : 1, b_row = g.trans_b ? 1 : n, b_column = g.trans_b ? k : 1;
  std::vector<double> out(static_cast<std::size_t>(m * n));
  if (!is_float(a.dtype())) {
    const auto x = widen<uint64_t>(a), y = widen<uint64_t>(b);
    std::vector<uint64_t> sum(out.size());
    gemm_plain<uint64_t>(m, n, k, {x.data(), a_row, a_column}, {y.data(), b_row, b_column}, sum.data(), n);
    const bool plain = g.alpha == 1 && (g.beta == 1 || !io.has(2));
    if (plain && !io.has(2)) return io.set(0, narrow(a.dtype(), {m, n}, sum));
    for (std::size_t i = 0; i < sum.size(); ++i) out[i] = g.alpha * static_cast<double>(static_cast<int64_t>(sum[i]));
  } else if (a.dtype() == DType::float64) {
    const auto x = widen<double>(a), y = widen<double>(b);
    gemm_plain<double>(m, n, k, {x.data(), a_row, a_column}, {y.data(), b_row, b_column}, out.data(), n);
    for (double& v : out) v *= g.alpha;
  } else {
    const FloatView x(a), y(b);
    std::vector<float> sum(out.size());
    gemm(m, n, k, {x.data, a_row, a_column}, {y.data, b_row, b_column}, sum.data(), n);
    for (std::size_t i = 0; i < sum.size(); ++i) out[i] = g.alpha * static_cast<double>(sum[i]);
  }
  if (io.has(2) && g.beta != 0) add_scaled(out, io.in(2), m, n, g.beta);
  io.set(0, narrow(a.dtype(), {m, n}, out));
}
Maybe<RunFn> prepare_gemm(const OpCall& call, ExecEnv&) {
  const GemmAttrs g{attr<float>(call, "alpha"), attr<float>(call, "beta"), attr<int64_t>(call, "transA") != 0, attr<int64_t>(call, "transB") != 0};
  return RunFn([g](KernelIo& io) { run_gemm(io, g); });
}

constexpr Kernel kKernels[] = {
    {"", "MatMul", 1, kAnyVersion, simple<run_matmul>},
    {"", "Gemm", 1, kAnyVersion, prepare_gemm},
};

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) bad_input(fmt::format("operands are {} and {}", dtype_name(a.dtype()), dtype_name(b.dtype())));
  const MatMulShape s = matmul_shape(a.dims(), b.dims());
  if (a.dtype() == DType::float64) return matmul_plain<double>(a, b, s);
  if (is_float(a.dtype())) return matmul_float(a, b, s);
  if (is_integer(a.dtype())) return matmul_plain<uint64_t>(a, b, s);
  bad_input(fmt::format("not defined for {}", dtype_name(a.dtype())));
}

std::span<const Kernel> matmul_kernels() { return kKernels; }

}  // namespace onnxopt::ref
