#include "verify/kernels_ref/gemm.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "verify/kernels_ref/gemm_thin.h"
#include "verify/kernels_ref/util.h"

#if defined(__clang__)
#define ONNXOPT_UNROLL _Pragma("unroll")
#else
#define ONNXOPT_UNROLL _Pragma("GCC unroll 16")
#endif

namespace onnxopt::ref {
namespace {

using std::int64_t;

constexpr int64_t kBlockK = 256, kBlockN = 512, kBlockM = 120;
constexpr int64_t kSmallProduct = 65536;

// One tile: C[kRows, kVectors * lanes] = or += A panel [k][kRows] times B panel [k][kVectors * lanes].
template <class V, int kRows, int kVectors>
[[gnu::always_inline]] inline void tile(int64_t k, const float* a, const float* b, float* c, int64_t ldc, bool accumulate) {
  constexpr int kLanes = sizeof(V) / sizeof(float), kWidth = kLanes * kVectors;
  V acc[kRows][kVectors];
  ONNXOPT_UNROLL
  for (int i = 0; i < kRows; ++i) ONNXOPT_UNROLL
  for (int j = 0; j < kVectors; ++j) acc[i][j] = V{};
  for (int64_t p = 0; p < k; ++p) {
    V y[kVectors];
    ONNXOPT_UNROLL
    for (int j = 0; j < kVectors; ++j) std::memcpy(&y[j], b + p * kWidth + j * kLanes, sizeof(V));
    ONNXOPT_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const float x = a[p * kRows + i];
      ONNXOPT_UNROLL
      for (int j = 0; j < kVectors; ++j) acc[i][j] += x * y[j];
    }
  }
  ONNXOPT_UNROLL
  for (int i = 0; i < kRows; ++i) ONNXOPT_UNROLL
  for (int j = 0; j < kVectors; ++j) {
    V v = acc[i][j];
    float* to = c + i * ldc + j * kLanes;
    if (accumulate) {
      V old;
      std::memcpy(&old, to, sizeof(V));
      v += old;
    }
    std::memcpy(to, &v, sizeof(V));
  }
}

using TileFn = void (*)(int64_t k, const float* a, const float* b, float* c, int64_t ldc, bool accumulate);
struct TileKernel {
  int64_t rows, width;
  TileFn run;
};

typedef float Vec4 __attribute__((vector_size(16)));
void tile_base(int64_t k, const float* a, const float* b, float* c, int64_t ldc, bool accumulate) { tile<Vec4, 4, 2>(k, a, b, c, ldc, accumulate); }
#if defined(__x86_64__)
typedef float Vec8 __attribute__((vector_size(32)));
typedef float Vec16 __attribute__((vector_size(64)));
__attribute__((target("avx2,fma"))) void tile_avx2(int64_t k, const float* a, const float* b, float* c, int64_t ldc, bool accumulate) {
  tile<Vec8, 6, 2>(k, a, b, c, ldc, accumulate);
}
__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,fma"))) void tile_avx512(int64_t k, const float* a, const float* b, float* c, int64_t ldc,
                                                                                   bool accumulate) {
  tile<Vec16, 12, 2>(k, a, b, c, ldc, accumulate);
}
#endif

TileKernel best_tile() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq"))
    return {12, 32, tile_avx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {6, 16, tile_avx2};
#endif
  return {4, 8, tile_base};
}

struct AlignedFloats {
  explicit AlignedFloats(int64_t n) : p(static_cast<float*>(::operator new[](static_cast<std::size_t>(n) * sizeof(float), std::align_val_t{64}))) {}
  ~AlignedFloats() { ::operator delete[](p, std::align_val_t{64}); }
  AlignedFloats(const AlignedFloats&) = delete;
  AlignedFloats& operator=(const AlignedFloats&) = delete;
  float* p;
};

class StridedSource final : public PanelSource {
 public:
  explicit StridedSource(Matrix<float> b) : b_(b) {}
  void pack(int64_t k0, int64_t kc, int64_t j0, int64_t n, float* panel, int64_t width) const override {
    const float* from = b_.data + k0 * b_.row + j0 * b_.column;
    if (b_.column == 1) {
      for (int64_t p = 0; p < kc; ++p, panel += width) {
        std::memcpy(panel, from + p * b_.row, static_cast<std::size_t>(n) * sizeof(float));
        std::fill(panel + n, panel + width, 0.0f);
      }
      return;
    }
    if (n < width) std::fill(panel, panel + kc * width, 0.0f);
    for (int64_t j = 0; j < n; ++j)
      for (int64_t p = 0; p < kc; ++p) panel[p * width + j] = from[p * b_.row + j * b_.column];
  }

 private:
  Matrix<float> b_;
};

void pack_a(const Matrix<float>& a, int64_t i0, int64_t rows, int64_t k0, int64_t kc, float* panel, int64_t height) {
  const float* from = a.data + i0 * a.row + k0 * a.column;
  for (int64_t p = 0; p < kc; ++p)
    for (int64_t i = 0; i < height; ++i) panel[p * height + i] = i < rows ? from[i * a.row + p * a.column] : 0.0f;
}

struct Problem {
  int64_t m, k;
  Matrix<float> a;
  const PanelSource& b;
  float* c;
  int64_t ldc;
  bool accumulate;
};

// Rows [0, m) of columns [j_begin, j_end).
void run_columns(const Problem& q, const TileKernel& t, int64_t j_begin, int64_t j_end) {
  const int64_t block_m = kBlockM / t.rows * t.rows;
  AlignedFloats packed_b(kBlockK * kBlockN), packed_a(kBlockK * block_m);
  float edge[12 * 32];
  for (int64_t jc = j_begin; jc < j_end; jc += kBlockN) {
    const int64_t nc = std::min(kBlockN, j_end - jc);
    for (int64_t kk = 0; kk < q.k; kk += kBlockK) {
      const int64_t kc = std::min(kBlockK, q.k - kk);
      const bool add = q.accumulate || kk > 0;
      for (int64_t j = 0; j < nc; j += t.width) q.b.pack(kk, kc, jc + j, std::min(t.width, nc - j), packed_b.p + j * kc, t.width);
      for (int64_t ic = 0; ic < q.m; ic += block_m) {
        const int64_t mc = std::min(block_m, q.m - ic);
        for (int64_t i = 0; i < mc; i += t.rows) pack_a(q.a, ic + i, std::min(t.rows, mc - i), kk, kc, packed_a.p + i * kc, t.rows);
        for (int64_t j = 0; j < nc; j += t.width)
          for (int64_t i = 0; i < mc; i += t.rows) {
            float* c = q.c + (ic + i) * q.ldc + jc + j;
            const int64_t rows = std::min(t.rows, mc - i), width = std::min(t.width, nc - j);
            if (rows == t.rows && width == t.width) {
              t.run(kc, packed_a.p + i * kc, packed_b.p + j * kc, c, q.ldc, add);
              continue;
            }
            t.run(kc, packed_a.p + i * kc, packed_b.p + j * kc, edge, t.width, false);
            for (int64_t r = 0; r < rows; ++r)
              for (int64_t s = 0; s < width; ++s) c[r * q.ldc + s] = edge[r * t.width + s] + (add ? c[r * q.ldc + s] : 0.0f);
          }
      }
    }
  }
}

void small_product(const Problem& q, int64_t n) {
  AlignedFloats b(std::max<int64_t>(1, q.k * n));
  q.b.pack(0, q.k, 0, n, b.p, n);
  std::vector<double> sum(static_cast<std::size_t>(n));
  for (int64_t i = 0; i < q.m; ++i) {
    std::fill(sum.begin(), sum.end(), 0.0);
    for (int64_t p = 0; p < q.k; ++p) {
      const double x = q.a.data[i * q.a.row + p * q.a.column];
      for (int64_t j = 0; j < n; ++j) sum[static_cast<std::size_t>(j)] += x * static_cast<double>(b.p[p * n + j]);
    }
    for (int64_t j = 0; j < n; ++j) {
      float& c = q.c[i * q.ldc + j];
      c = static_cast<float>(sum[static_cast<std::size_t>(j)] + (q.accumulate ? static_cast<double>(c) : 0.0));
    }
  }
}

}  // namespace

void gemm(int64_t m, int64_t n, int64_t k, Matrix<float> a, const PanelSource& b, float* c, int64_t ldc, GemmOptions options) {
  if (m == 0 || n == 0) return;
  const Problem whole{m, k, a, b, c, ldc, options.accumulate};
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  if (work <= static_cast<double>(kSmallProduct)) return small_product(whole, n);
  const TileKernel t = best_tile();
  if (!options.threaded) return run_columns(whole, t, 0, n);
  const int64_t column_tiles = (n + t.width - 1) / t.width, row_tiles = (m + t.rows - 1) / t.rows;
  // A whole tile of columns a unit: about 0.03 ns a multiplication.
  if (column_tiles >= 8 || column_tiles >= row_tiles) {
    parallel_for(column_tiles, work * 0.03 / static_cast<double>(column_tiles),
                 [&](int64_t from, int64_t to) { run_columns(whole, t, from * t.width, std::min(n, to * t.width)); });
    return;
  }
  parallel_for(row_tiles, work * 0.03 / static_cast<double>(row_tiles), [&](int64_t from, int64_t to) {
    const int64_t i0 = from * t.rows, i1 = std::min(m, to * t.rows);
    const Problem part{i1 - i0, k, {a.data + i0 * a.row, a.row, a.column}, b, c + i0 * ldc, ldc, options.accumulate};
    run_columns(part, t, 0, n);
  });
}

void gemm(int64_t m, int64_t n, int64_t k, Matrix<float> a, Matrix<float> b, float* c, int64_t ldc, GemmOptions options) {
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  if ((m <= kThin || n <= kThin) && work > static_cast<double>(kSmallProduct) && gemm_thin(m, n, k, a, b, c, ldc, options)) return;
  gemm(m, n, k, a, StridedSource(b), c, ldc, options);
}

template <class T>
void gemm_plain(int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b, T* c, int64_t ldc) {
  parallel_for(m, static_cast<double>(n) * static_cast<double>(k) * 0.5, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      T* row = c + i * ldc;
      std::fill(row, row + n, T(0));
      for (int64_t p = 0; p < k; ++p) {
        const T x = a.data[i * a.row + p * a.column];
        const T* y = b.data + p * b.row;
        for (int64_t j = 0; j < n; ++j) row[j] += x * y[j * b.column];
      }
    }
  });
}
template void gemm_plain<double>(int64_t, int64_t, int64_t, Matrix<double>, Matrix<double>, double*, int64_t);
template void gemm_plain<std::uint64_t>(int64_t, int64_t, int64_t, Matrix<std::uint64_t>, Matrix<std::uint64_t>, std::uint64_t*, int64_t);

}  // namespace onnxopt::ref
