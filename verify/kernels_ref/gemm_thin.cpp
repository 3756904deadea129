#include "verify/kernels_ref/gemm_thin.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;

constexpr int64_t kBlockK = 256;     // float sums are cut here, as in gemm
constexpr int64_t kBlockN = 1024;    // columns whose sums stay in the first cache
constexpr int64_t kBlockDot = 8192;  // 256 terms for each of 32 lanes

struct Thin {
  int64_t m, k;
  const float* a;  // packed: [m][k]
  Matrix<float> b;
  float* c;
  int64_t ldc;
  bool accumulate;
};

// Rows of B contiguous: sums of scaled rows, four at a time. One output row of one block of columns and one block of K.
[[gnu::always_inline]] inline void add_rows(const float* a, const float* b, int64_t row, int64_t k, int64_t n, float* sum) {
  int64_t p = 0;
  for (; p + 4 <= k; p += 4) {
    const float *b0 = b + p * row, *b1 = b0 + row, *b2 = b1 + row, *b3 = b2 + row;
    const float x0 = a[p], x1 = a[p + 1], x2 = a[p + 2], x3 = a[p + 3];
    for (int64_t j = 0; j < n; ++j) sum[j] += (x0 * b0[j] + x1 * b1[j]) + (x2 * b2[j] + x3 * b3[j]);
  }
  for (; p < k; ++p)
    for (int64_t j = 0; j < n; ++j) sum[j] += a[p] * b[p * row + j];
}
[[gnu::always_inline]] inline void sum_rows(const Thin& t, int64_t from, int64_t to) {
  alignas(64) float part[kBlockN];
  alignas(64) float total[kThin][kBlockN];
  for (int64_t j = from; j < to; j += kBlockN) {
    const int64_t n = std::min(kBlockN, to - j);
    for (int64_t i = 0; i < t.m; ++i)
      for (int64_t s = 0; s < n; ++s) total[i][s] = t.accumulate ? t.c[i * t.ldc + j + s] : 0.0f;
    for (int64_t p = 0; p < t.k; p += kBlockK)
      for (int64_t i = 0; i < t.m; ++i) {
        std::fill(part, part + n, 0.0f);
        add_rows(t.a + i * t.k + p, t.b.data + p * t.b.row + j, t.b.row, std::min(kBlockK, t.k - p), n, part);
        for (int64_t s = 0; s < n; ++s) total[i][s] += part[s];
      }
    for (int64_t i = 0; i < t.m; ++i) std::memcpy(t.c + i * t.ldc + j, total[i], static_cast<std::size_t>(n) * sizeof(float));
  }
}

// Columns of B contiguous: dot products in 32 lanes.
[[gnu::always_inline]] inline double dot(const float* x, const float* y, int64_t n) {
  constexpr int64_t kLanes = 32;
  float lanes[kLanes] = {};
  int64_t p = 0;
  for (; p + kLanes <= n; p += kLanes)
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += x[p + l] * y[p + l];
  double sum = 0;
  for (int64_t l = 0; l < kLanes; ++l) sum += static_cast<double>(lanes[l]);
  for (; p < n; ++p) sum += static_cast<double>(x[p]) * static_cast<double>(y[p]);
  return sum;
}
[[gnu::always_inline]] inline void sum_columns(const Thin& t, int64_t from, int64_t to) {
  for (int64_t j = from; j < to; ++j)
    for (int64_t i = 0; i < t.m; ++i) {
      float& c = t.c[i * t.ldc + j];
      double sum = t.accumulate ? static_cast<double>(c) : 0.0;
      for (int64_t p = 0; p < t.k; p += kBlockDot) sum += dot(t.a + i * t.k + p, t.b.data + j * t.b.column + p, std::min(kBlockDot, t.k - p));
      c = static_cast<float>(sum);
    }
}

using RunColumns = void (*)(const Thin& t, int64_t from, int64_t to);
void rows_base(const Thin& t, int64_t from, int64_t to) { sum_rows(t, from, to); }
void columns_base(const Thin& t, int64_t from, int64_t to) { sum_columns(t, from, to); }
#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void rows_avx2(const Thin& t, int64_t from, int64_t to) { sum_rows(t, from, to); }
__attribute__((target("avx2,fma"))) void columns_avx2(const Thin& t, int64_t from, int64_t to) { sum_columns(t, from, to); }
#endif

RunColumns best(bool rows) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return rows ? rows_avx2 : columns_avx2;
#endif
  return rows ? rows_base : columns_base;
}

bool few_rows(int64_t m, int64_t n, int64_t k, Matrix<float> a, Matrix<float> b, float* c, int64_t ldc, GemmOptions options) {
  const bool rows = b.column == 1;
  if (!rows && b.row != 1) return false;
  std::vector<float> packed;
  if (a.column != 1 || a.row != k) {
    packed.resize(static_cast<std::size_t>(m * k));
    for (int64_t i = 0; i < m; ++i)
      for (int64_t p = 0; p < k; ++p) packed[static_cast<std::size_t>(i * k + p)] = a.data[i * a.row + p * a.column];
  }
  const Thin t{m, k, packed.empty() ? a.data : packed.data(), b, c, ldc, options.accumulate};
  const RunColumns run = best(rows);
  if (!options.threaded) {
    run(t, 0, n);
    return true;
  }
  // Sixteen columns a unit, so that threads share no cache line of a row; about 0.3 ns a weight from memory.
  constexpr int64_t kUnit = 16;
  parallel_for((n + kUnit - 1) / kUnit, 0.3 * static_cast<double>(k * kUnit),
               [&](int64_t from, int64_t to) { run(t, from * kUnit, std::min(n, to * kUnit)); });
  return true;
}

}  // namespace

bool gemm_thin(int64_t m, int64_t n, int64_t k, Matrix<float> a, Matrix<float> b, float* c, int64_t ldc, GemmOptions options) {
  if (m <= kThin) return few_rows(m, n, k, a, b, c, ldc, options);
  if (n > kThin) return false;
  // Few columns are few rows of the transposed product.
  std::vector<float> turned(static_cast<std::size_t>(m * n));
  if (!few_rows(n, m, k, {b.data, b.column, b.row}, {a.data, a.column, a.row}, turned.data(), m, {.threaded = options.threaded})) return false;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float& to = c[i * ldc + j];
      to = turned[static_cast<std::size_t>(j * m + i)] + (options.accumulate ? to : 0.0f);
    }
  return true;
}

}  // namespace onnxopt::ref
