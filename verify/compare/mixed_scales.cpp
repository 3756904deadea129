#include "verify/compare/mixed_scales.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "ir/core/element.h"
#include "verify/compare/rounding_noise.h"
#include "verify/exec/deadline.h"

namespace onnxopt {
namespace {

constexpr std::int64_t kMostSlices = 1 << 16;
constexpr int kBandOctaves = 3;          // magnitudes within a factor of 8 are one band
constexpr int kLowestBand = 8;           // 8^-8 of the whole and less
constexpr std::int64_t kFewest = 64;     // differences in a band of which the largest says how large they are
constexpr double kFewMultiple = 64;      // how often the noise of fewer is allowed
constexpr double kSmallestScale = 1e-3;  // as for whole outputs: what is zero but for noise is not judged on its own noise

// visit(position, index along `axis`) for all elements in order, a block at a time.
template <class Load, class Visit>
void for_each_on_axis(const Dims& dims, std::size_t axis, std::int64_t size, Load&& load, Visit&& visit) {
  constexpr std::int64_t kBlock = 1024;
  std::int64_t inner = 1;
  for (std::size_t d = axis + 1; d < dims.size(); ++d) inner *= dims[d];
  std::int64_t index = 0, left = inner;
  DeadlineWatch watch;
  for (std::int64_t first = 0; first < size; first += kBlock) {
    const std::int64_t count = std::min(kBlock, size - first);
    watch.did(4 * count);
    load(first, count);
    for (std::int64_t i = 0; i < count; ++i) {
      visit(i, static_cast<std::size_t>(index));
      if (--left > 0) continue;
      left = inner;
      if (++index == dims[axis]) index = 0;
    }
  }
}

}  // namespace

MixedScales::MixedScales(const Tensor& reference, const Tensor& value) : reference_(reference) {
  double whole = 0;
  double x[1024];
  for (std::int64_t first = 0; first < reference.size(); first += 1024) {
    const std::int64_t count = std::min<std::int64_t>(1024, reference.size() - first);
    load_block<double>(reference.dtype(), reference.bytes().data(), first, count, x);
    for (std::int64_t i = 0; i < count; ++i)
      if (std::isfinite(x[i])) whole = std::max(whole, std::abs(x[i]));
  }
  for (std::size_t axis = 0; axis < reference.dims().size(); ++axis)
    if (reference.dims()[axis] > 1 && reference.dims()[axis] <= kMostSlices) add_axis(axis, whole);
  if (axes_.empty()) return;
  explain(value);
  for (Axis& a : axes_)
    for (Band& b : a.bands) std::swap(b.difference, b.noise);
}

void MixedScales::add_axis(std::size_t axis, double whole) {
  const Tensor& t = reference_;
  std::vector<double> scale(static_cast<std::size_t>(t.dims()[axis]));
  double x[1024];
  for_each_on_axis(
      t.dims(), axis, t.size(), [&](std::int64_t first, std::int64_t n) { load_block<double>(t.dtype(), t.bytes().data(), first, n, x); },
      [&](std::int64_t i, std::size_t index) {
        if (std::isfinite(x[i])) scale[index] = std::max(scale[index], std::abs(x[i]));
      });
  Axis a{axis, std::vector<int>(scale.size(), -1), std::vector<Band>(kLowestBand)};
  bool any = false;
  for (std::size_t i = 0; i < scale.size(); ++i) {
    if (scale[i] == 0) continue;
    const int below = static_cast<int>(std::min(std::log2(whole / scale[i]) / kBandOctaves, double{kLowestBand}));
    if (below < 1) continue;
    any = true;
    a.band_of[i] = below - 1;
    Band& b = a.bands[static_cast<std::size_t>(below) - 1];
    ++b.slices;
    b.elements += t.size() / t.dims()[axis];
    b.scale = std::max(b.scale, scale[i]);
  }
  if (any) axes_.push_back(std::move(a));
}

bool MixedScales::explain(const Tensor& moved) {
  if (moved.dtype() != reference_.dtype() || moved.dims() != reference_.dims()) return false;
  double x[1024], y[1024];
  for (Axis& a : axes_)
    for_each_on_axis(
        reference_.dims(), a.axis, reference_.size(),
        [&](std::int64_t first, std::int64_t n) {
          load_block<double>(reference_.dtype(), reference_.bytes().data(), first, n, x);
          load_block<double>(moved.dtype(), moved.bytes().data(), first, n, y);
        },
        [&](std::int64_t i, std::size_t index) {
          const int band = a.band_of[index];
          if (band < 0 || !std::isfinite(x[i]) || !std::isfinite(y[i])) return;
          double& noise = a.bands[static_cast<std::size_t>(band)].noise;
          noise = std::max(noise, std::abs(x[i] - y[i]));
        });
  return true;
}

double MixedScales::explained(const Band& b) const {
  const double multiple = b.elements < kFewest ? kFewMultiple : kNoiseMultiple;
  return std::max(multiple * b.noise, rounding_floor(reference_.dtype()) * std::max(b.scale, kSmallestScale));
}

bool MixedScales::suspicious() const {
  for (const Axis& a : axes_)
    if (std::any_of(a.bands.begin(), a.bands.end(), [&](const Band& b) { return is_off(b); })) return true;
  return false;
}

std::string MixedScales::reason() const {
  const Axis* axis = nullptr;
  const Band* worst = nullptr;
  for (const Axis& a : axes_)
    for (const Band& b : a.bands)
      if (is_off(b) && (!worst || b.difference / explained(b) > worst->difference / explained(*worst))) {
        axis = &a;
        worst = &b;
      }
  if (!worst) return {};
  return fmt::format("{} of {} slices along axis {} are no larger than {:.3g} and differ by {:.3g}; the original's own rounding explains {:.3g}",
                     worst->slices, reference_.dims()[axis->axis], axis->axis, worst->scale, worst->difference, explained(*worst));
}

}  // namespace onnxopt
