#include "verify/compare/spread.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/core/element.h"
#include "verify/exec/deadline.h"

namespace onnxopt {
namespace {

constexpr std::int64_t kFewest = 64;  // elements: the mean of fewer is no steadier than the largest
// Right rewrites of the models in float16 at hand reach half of the noise, since it moves every value by up to a whole unit where rounding moves it
// by half.
constexpr double kMultiple = 1.5;

struct Squares {
  double difference = 0, scale = 0;
  bool same_finite = true;  // the same elements are finite
};

// Means over the elements that are finite in both.
Squares squares(const Tensor& a, const Tensor& b) {
  constexpr std::int64_t kBlock = 1024;
  double x[kBlock], y[kBlock];
  Squares s;
  double count = 0;
  DeadlineWatch watch;
  for (std::int64_t first = 0; first < a.size(); first += kBlock) {
    const std::int64_t n = std::min(kBlock, a.size() - first);
    watch.did(4 * n);
    load_block<double>(a.dtype(), a.bytes().data(), first, n, x);
    load_block<double>(b.dtype(), b.bytes().data(), first, n, y);
    for (std::int64_t i = 0; i < n; ++i) {
      s.same_finite &= std::isfinite(x[i]) == std::isfinite(y[i]);
      if (!std::isfinite(x[i]) || !std::isfinite(y[i])) continue;
      ++count;
      s.difference += (x[i] - y[i]) * (x[i] - y[i]);
      s.scale += x[i] * x[i];
    }
  }
  if (count > 0) s = {std::sqrt(s.difference / count), std::sqrt(s.scale / count), s.same_finite};
  return s;
}

}  // namespace

Spread::Spread(const Tensor& reference, const Tensor& value, DType computed) : reference_(reference) {
  if (!is_float(reference.dtype()) || reference.size() < kFewest || reference.dims() != value.dims() || reference.dtype() != value.dtype()) return;
  const DType coarse =
      relative_limit(computed, Tolerance::rounding) > relative_limit(reference.dtype(), Tolerance::rounding) ? computed : reference.dtype();
  if (coarse != DType::float16 && coarse != DType::bfloat16) return;
  const Squares s = squares(reference, value);
  difference_ = s.difference;
  floor_ = unit_in_last_place(coarse) * s.scale / 2;
}

double Spread::explained() const { return std::max(kMultiple * noise_, floor_); }
bool Spread::suspicious() const { return difference_ > explained(); }

bool Spread::explain(const Tensor& moved) {
  if (moved.dtype() != reference_.dtype() || moved.dims() != reference_.dims()) return false;
  const Squares s = squares(reference_, moved);
  noise_ = std::max(noise_, s.difference);
  return s.same_finite;  // a run that overflows elsewhere says nothing about rounding
}

std::string Spread::reason() const {
  return fmt::format("it differs by {:.3g} in the root mean square of its {} elements; the original's own rounding explains {:.3g}", difference_,
                     reference_.size(), explained());
}

}  // namespace onnxopt
