#include "passes/fusion/scale_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "ir/core/buffer.h"
#include "ir/core/element.h"
#include "ir/core/prefault.h"

namespace onnxopt {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Below it digits are lost, and then the number.
double smallest_normal(DType t) {
  if (t == DType::float64) return std::numeric_limits<double>::min();
  return t == DType::float16 ? 0x1p-14 : std::numeric_limits<float>::min();
}

struct Seen {
  std::int32_t largest = 0, any = 0;  // the bits without the sign of the largest result; not 0 where something was wanted
};

struct Scaled {
  const Tensor& w;
  Buffer made;  // nobody clears it first: weights are most of a model, and every pass over them counts
  Stored stored;

  explicit Scaled(const Tensor& like) : w(like), made(like.dtype(), like.dims()), stored(like.dtype()) {
    prefault_for_reading(w.bytes());
    prefault_for_writing({made.bytes(), made.byte_size()});
  }
  const std::byte* from(std::int64_t first) const { return w.bytes().data() + 4 * first; }  // of floats
  std::byte* to(std::int64_t first) { return made.bytes() + 4 * first; }
  void add(const Seen& seen) { stored.add_row(std::bit_cast<float>(seen.largest), seen.any != 0); }
  Tensor tensor() && { return stored.well() ? std::move(made).tensor() : Tensor(); }
};

// n floats of `in`, each times factor(i), to `to`; mask(i) is 0 where that factor is 0, else all ones. Bits without the sign are ordered like
// absolute values, and infinities and NaN come last. Neither pointer needs to be aligned.
template <class F, class M>
[[gnu::always_inline]] inline Seen scale_block(const std::byte* in, std::byte* to, std::int64_t n, F factor, M mask) {
  Seen seen;
  for (std::int64_t i = 0; i < n; ++i) {
    float x;
    std::memcpy(&x, in + 4 * i, 4);
    const float y = static_cast<float>(x * factor(i));
    std::memcpy(to + 4 * i, &y, 4);
    seen.largest = std::max(seen.largest, std::bit_cast<std::int32_t>(y) & 0x7FFFFFFF);
    seen.any |= std::bit_cast<std::int32_t>(x) & 0x7FFFFFFF & mask(i);
  }
  return seen;
}

[[gnu::always_inline]] inline Seen by_one(const std::byte* in, std::byte* to, std::int64_t n, double f) {
  const std::int32_t mask = f == 0 ? 0 : -1;
  return scale_block(
      in, to, n, [f](std::int64_t) { return f; }, [mask](std::int64_t) { return mask; });
}
[[gnu::always_inline]] inline Seen by_each(const std::byte* in, std::byte* to, std::int64_t n, const double* f, const std::int32_t* mask) {
  return scale_block(
      in, to, n, [f](std::int64_t i) { return f[i]; }, [mask](std::int64_t i) { return mask[i]; });
}

// The same products on every machine: one multiplication each, nothing to contract.
[[gnu::target("avx2")]] Seen by_one_avx2(const std::byte* in, std::byte* to, std::int64_t n, double f) { return by_one(in, to, n, f); }
[[gnu::target("avx2")]] Seen by_each_avx2(const std::byte* in, std::byte* to, std::int64_t n, const double* f, const std::int32_t* mask) {
  return by_each(in, to, n, f, mask);
}

// The same for any other type; `row` and `got` are room for it.
template <class F>
void scale_row(Scaled& out, std::int64_t first, std::vector<double>& row, std::vector<double>& got, F factor) {
  const auto n = static_cast<std::int64_t>(row.size());
  const DType t = out.w.dtype();
  load_block<double>(t, out.w.bytes().data(), first, n, row.data());
  for (std::size_t i = 0; i < row.size(); ++i) row[i] *= factor(i);
  store_block<double>(t, out.made.bytes(), first, n, row.data());
  load_block<double>(t, out.made.bytes(), first, n, got.data());
  for (std::size_t i = 0; i < row.size(); ++i) out.stored.add(row[i], got[i]);
}

}  // namespace

Stored::Stored(DType t) : smallest_(smallest_normal(t)) {}

void Stored::add(double wanted, double got) {
  finite_ &= std::isfinite(got);
  largest_ = std::max(largest_, std::abs(got));
  nonzero_ |= wanted != 0;
}

void Stored::add_row(float largest, bool nonzero) {
  finite_ &= std::isfinite(largest);
  largest_ = std::max(largest_, static_cast<double>(largest));
  nonzero_ |= nonzero;
}

Tensor scale_rows(const Tensor& w, std::int64_t inner, std::span<const double> factors) {
  Scaled out(w);
  const bool floats = w.dtype() == DType::float32, avx2 = __builtin_cpu_supports("avx2");
  std::vector<double> row(floats ? 0 : at(inner)), got(row.size());
  for (std::size_t r = 0; r < factors.size(); ++r) {
    const std::int64_t first = static_cast<std::int64_t>(r) * inner;
    const double f = factors[r];
    if (floats) out.add(avx2 ? by_one_avx2(out.from(first), out.to(first), inner, f) : by_one(out.from(first), out.to(first), inner, f));
    else scale_row(out, first, row, got, [f](std::size_t) { return f; });
  }
  return std::move(out).tensor();
}

Tensor scale_columns(const Tensor& w, std::span<const double> factors) {
  Scaled out(w);
  const bool floats = w.dtype() == DType::float32, avx2 = __builtin_cpu_supports("avx2");
  const auto columns = static_cast<std::int64_t>(factors.size());
  std::vector<double> row(floats ? 0 : factors.size()), got(row.size());
  std::vector<std::int32_t> masks(factors.size());
  std::transform(factors.begin(), factors.end(), masks.begin(), [](double f) { return f == 0 ? 0 : -1; });
  const double* f = factors.data();
  const std::int32_t* mask = masks.data();
  for (std::int64_t first = 0; first < w.size(); first += columns) {
    if (floats)
      out.add(avx2 ? by_each_avx2(out.from(first), out.to(first), columns, f, mask) : by_each(out.from(first), out.to(first), columns, f, mask));
    else scale_row(out, first, row, got, [f](std::size_t i) { return f[i]; });
  }
  return std::move(out).tensor();
}

}  // namespace onnxopt
