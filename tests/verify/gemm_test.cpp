#include "verify/kernels_ref/gemm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

using namespace onnxopt::ref;

namespace {

using std::int64_t;

// The largest error against sums in double, in units of the sum of magnitudes.
double worst_error(int64_t m, int64_t n, int64_t k, bool trans_a, bool trans_b, bool accumulate) {
  std::mt19937 random(static_cast<unsigned>(m * 31 + n * 7 + k));
  std::normal_distribution<float> normal;
  std::vector<float> a(static_cast<std::size_t>(m * k)), b(static_cast<std::size_t>(k * n)), c(static_cast<std::size_t>(m * (n + 3)));
  for (auto* v : {&a, &b, &c})
    for (float& x : *v) x = normal(random);
  const std::vector<float> before = c;
  const Matrix<float> left{a.data(), trans_a ? 1 : k, trans_a ? m : 1}, right{b.data(), trans_b ? 1 : n, trans_b ? k : 1};
  gemm(m, n, k, left, right, c.data(), n + 3, {.accumulate = accumulate});
  double worst = 0;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n + 3; ++j) {
      const auto at = static_cast<std::size_t>(i * (n + 3) + j);
      if (j >= n) {
        if (c[at] != before[at]) return HUGE_VAL;  // what lies between the rows stays
        continue;
      }
      double sum = accumulate ? before[at] : 0, size = std::abs(sum);
      for (int64_t p = 0; p < k; ++p) {
        const double term = double{left.data[i * left.row + p * left.column]} * right.data[p * right.row + j * right.column];
        sum += term;
        size += std::abs(term);
      }
      worst = std::max(worst, std::abs(sum - double{c[at]}) / size);
    }
  return worst;
}

}  // namespace

TEST_SUITE("gemm_test") {
  TEST_CASE("products of every form: thin, wide, small, odd") {
    constexpr int64_t kShapes[][3] = {{1, 1500, 300}, {1, 37, 9001}, {2, 1029, 257}, {4, 300, 300},  {5, 300, 300},
                                      {900, 1, 300},  {700, 3, 131}, {13, 33, 300},  {61, 129, 257}, {3, 4, 5}};
    for (const auto& s : kShapes)
      for (int form = 0; form < 8; ++form) {
        CAPTURE(s[0]);
        CAPTURE(s[1]);
        CAPTURE(s[2]);
        CAPTURE(form);
        CHECK(worst_error(s[0], s[1], s[2], form & 1, form & 2, form & 4) < 256 * 0x1p-24);
      }
  }
}
