#include "verify/compare/tolerance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "ir/core/element.h"
#include "verify/exec/deadline.h"

namespace onnxopt {
namespace {

constexpr double kSmallestScale = 1e-3;  // an output that is zero but for noise is judged on this scale, not on its own noise
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string dims_text(const Dims& d) { return fmt::format("[{}]", fmt::join(d, ",")); }

struct Sums {
  double max_abs = 0, scale = 0, signal = 0, noise = 0, first = 0;
  bool any_finite = false, varies = false;
  std::string finite_mismatch;  // the first
};

void accumulate(Sums& s, std::int64_t first, std::span<const double> a, std::span<const double> b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i];
    const bool finite = std::isfinite(x);
    if (!finite || !std::isfinite(y)) {
      const bool same = (std::isnan(x) && std::isnan(y)) || x == y;
      if (!same && s.finite_mismatch.empty())
        s.finite_mismatch = fmt::format("element {}: {} against {}", first + static_cast<std::int64_t>(i), x, y);
      continue;
    }
    if (!s.any_finite) s.first = x;
    s.varies |= x != s.first;
    s.any_finite = true;
    const double d = std::abs(x - y);
    s.max_abs = std::max(s.max_abs, d);
    s.scale = std::max(s.scale, std::abs(x));
    s.signal += x * x;
    s.noise += d * d;
  }
}

void compare_numbers(ValueDiff& r, const Tensor& a, const Tensor& b) {
  constexpr std::int64_t kBlock = 1024;
  double x[kBlock], y[kBlock];
  Sums s;
  DeadlineWatch watch;
  for (std::int64_t first = 0; first < a.size(); first += kBlock) {
    const std::int64_t count = std::min(kBlock, a.size() - first);
    load_block<double>(a.dtype(), a.bytes().data(), first, count, x);
    load_block<double>(b.dtype(), b.bytes().data(), first, count, y);
    accumulate(s, first, {x, static_cast<std::size_t>(count)}, {y, static_cast<std::size_t>(count)});
    watch.did(4 * count);
  }
  r.max_abs = s.max_abs;
  r.scale = s.scale;
  r.max_rel = s.max_abs / judged_scale(r);
  r.sqnr_db = s.noise > 0 ? 10 * std::log10(s.signal / s.noise) : kInfinity;
  r.vacuous = !s.any_finite || (!s.varies && a.size() > 1) || s.scale == 0;
  if (r.vacuous) r.reason = !s.any_finite ? "no finite element" : s.scale == 0 ? "all zeros" : std::string(kAllEqual);
  if (!s.finite_mismatch.empty()) {
    r.max_rel = kInfinity;
    r.reason = s.finite_mismatch;
  }
}

ValueDiff compare_tensors(const std::string& name, const Tensor& a, const Tensor& b, Tolerance level) {
  ValueDiff r;
  r.name = name;
  r.max_rel = r.max_abs = kInfinity;
  if (a.dtype() != b.dtype()) {
    r.reason = fmt::format("type {} against {}", dtype_name(a.dtype()), dtype_name(b.dtype()));
    return r;
  }
  if (a.dims() != b.dims()) {
    r.reason = fmt::format("shape {} against {}", dims_text(a.dims()), dims_text(b.dims()));
    return r;
  }
  r.dtype = a.dtype();
  r.limit = relative_limit(a.dtype(), level);
  r.vacuous = a.size() == 0;
  if (r.vacuous) r.reason = "empty";
  if (a.size() == 0 || a.same_content(b)) {
    r.max_rel = r.max_abs = 0;
    r.sqnr_db = kInfinity;
    r.equal = true;
    if (a.size() > 0 && a.dtype() != DType::string && !is_complex(a.dtype())) compare_numbers(r, a, b);
    return r;
  }
  if (a.dtype() == DType::string || is_complex(a.dtype())) {
    r.reason = "elements differ";
    return r;
  }
  compare_numbers(r, a, b);
  r.equal = is_float(a.dtype()) && r.max_rel <= r.limit;  // other types: the bytes differ, so the values do
  if (!r.equal && r.reason.empty()) r.reason = fmt::format("largest difference {:.3g} of the largest magnitude, limit {:.3g}", r.max_rel, r.limit);
  return r;
}

void keep_worst(ValueDiff& worst, ValueDiff next, bool first) {
  const bool all_vacuous = first ? next.vacuous : worst.vacuous && next.vacuous;
  if (first || (worst.equal && !next.equal) || (worst.equal == next.equal && next.max_rel > worst.max_rel)) worst = std::move(next);
  worst.vacuous = all_vacuous;
}

ValueDiff failed(const std::string& name, std::string why) {
  ValueDiff r;
  r.name = name;
  r.max_rel = kInfinity;
  r.reason = std::move(why);
  return r;
}

ValueDiff nothing_to_compare(const std::string& name) {
  ValueDiff r;
  r.name = name;
  r.equal = r.vacuous = true;
  r.reason = "empty";
  return r;
}

ValueDiff compare_sequences(const std::string& name, const RtSequence& a, const RtSequence& b, Tolerance level) {
  if (a.size() != b.size()) return failed(name, fmt::format("sequence of {} against {}", a.size(), b.size()));
  ValueDiff worst = nothing_to_compare(name);
  for (std::size_t i = 0; i < a.size(); ++i) keep_worst(worst, compare_values(fmt::format("{}[{}]", name, i), a[i], b[i], level), i == 0);
  return worst;
}

ValueDiff compare_maps(const std::string& name, const RtMap& a, const RtMap& b, Tolerance level) {
  if (a.entries.size() != b.entries.size()) return failed(name, "maps of different size");
  ValueDiff worst = nothing_to_compare(name);
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    const auto has_key = [&](const auto& e) { return e.first == a.entries[i].first; };
    const auto other =
        has_key(b.entries[i]) ? b.entries.begin() + static_cast<std::ptrdiff_t>(i) : std::find_if(b.entries.begin(), b.entries.end(), has_key);
    if (other == b.entries.end()) return failed(name, "maps with different keys");
    keep_worst(worst, compare_values(name, a.entries[i].second, other->second, level), i == 0);
  }
  return worst;
}

}  // namespace

double judged_scale(const ValueDiff& d) { return std::max(d.scale, kSmallestScale); }

double relative_limit(DType t, Tolerance level) {
  if (level == Tolerance::exact) return 0;
  switch (t) {
    case DType::float64: return 1e-9;
    case DType::float32: return 1e-3;  // deep networks amplify 1e-7 by four orders of magnitude
    case DType::float16: return 1e-2;
    case DType::bfloat16: return 5e-2;
    default: return is_float(t) ? 0.125 : 0;
  }
}

void allow(ValueDiff& d, DType computed) {
  if (!is_float(d.dtype) || computed == DType::undefined) return;
  const double limit = relative_limit(computed, Tolerance::rounding);
  if (limit <= d.limit) return;
  d.limit = limit;
  if (d.equal || d.max_rel > limit) return;
  d.equal = true;
  d.reason.clear();
}

ValueDiff compare_values(const std::string& name, const RtValue& a, const RtValue& b, Tolerance level) {
  if (a.v.index() != b.v.index()) return failed(name, "values of different kinds");
  if (a.empty()) return nothing_to_compare(name);
  if (a.is_tensor()) return compare_tensors(name, a.tensor(), b.tensor(), level);
  if (const auto* s = std::get_if<std::shared_ptr<const RtSequence>>(&a.v))
    return compare_sequences(name, **s, *std::get<std::shared_ptr<const RtSequence>>(b.v), level);
  if (const auto* m = std::get_if<std::shared_ptr<const RtMap>>(&a.v))
    return compare_maps(name, **m, *std::get<std::shared_ptr<const RtMap>>(b.v), level);
  const auto& s = *std::get<std::shared_ptr<const SparseTensor>>(a.v);
  const auto& t = *std::get<std::shared_ptr<const SparseTensor>>(b.v);
  if (s.dims != t.dims || !s.indices.same_content(t.indices)) return failed(name, "sparse tensors of different structure");
  return compare_tensors(name, s.values, t.values, level);
}

}  // namespace onnxopt
