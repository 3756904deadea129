#include "verify/kernels_ref/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "verify/kernels_ref/families.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using std::uint64_t;

double log_sum_exp(const double* v, int64_t n) {
  double top = -HUGE_VAL;
  for (int64_t i = 0; i < n; ++i) top = v[i] > top || v[i] != v[i] ? v[i] : top;
  if (std::isinf(top)) return top;
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(v[i] - top);
  return top + std::log(sum);
}

// n >= 1 values to one.
double reduce_values(Reduce kind, const double* v, int64_t n) {
  double r = 0;
  switch (kind) {
    case Reduce::sum:
    case Reduce::mean:
    case Reduce::log_sum:
      for (int64_t i = 0; i < n; ++i) r += v[i];
      return kind == Reduce::sum ? r : kind == Reduce::mean ? r / static_cast<double>(n) : std::log(r);
    case Reduce::prod:
      r = 1;
      for (int64_t i = 0; i < n; ++i) r *= v[i];
      return r;
    case Reduce::max:
      r = v[0];
      for (int64_t i = 1; i < n; ++i) r = v[i] > r || v[i] != v[i] ? v[i] : r;
      return r;
    case Reduce::min:
      r = v[0];
      for (int64_t i = 1; i < n; ++i) r = v[i] < r || v[i] != v[i] ? v[i] : r;
      return r;
    case Reduce::l1:
      for (int64_t i = 0; i < n; ++i) r += std::abs(v[i]);
      return r;
    case Reduce::l2:
    case Reduce::sum_square:
      for (int64_t i = 0; i < n; ++i) r += v[i] * v[i];
      return kind == Reduce::l2 ? std::sqrt(r) : r;
    case Reduce::log_sum_exp: break;
  }
  return log_sum_exp(v, n);
}

// Integers: sums and products modulo 2^64; what leaves the integers goes through double.
template <class C>
C reduce_values(Reduce kind, const C* v, int64_t n) {
  uint64_t r = 0;
  switch (kind) {
    case Reduce::sum:
    case Reduce::mean:
      for (int64_t i = 0; i < n; ++i) r += static_cast<uint64_t>(v[i]);
      return kind == Reduce::sum ? static_cast<C>(r) : static_cast<C>(r) / static_cast<C>(n);
    case Reduce::prod:
      r = 1;
      for (int64_t i = 0; i < n; ++i) r *= static_cast<uint64_t>(v[i]);
      return static_cast<C>(r);
    case Reduce::max: return *std::max_element(v, v + n);
    case Reduce::min: return *std::min_element(v, v + n);
    case Reduce::l1:
      for (int64_t i = 0; i < n; ++i) r += v[i] < C(0) ? 0 - static_cast<uint64_t>(v[i]) : static_cast<uint64_t>(v[i]);
      return static_cast<C>(r);
    case Reduce::sum_square:
      for (int64_t i = 0; i < n; ++i) r += static_cast<uint64_t>(v[i]) * static_cast<uint64_t>(v[i]);
      return static_cast<C>(r);
    default: break;
  }
  std::vector<double> d(v, v + n);
  C out;
  const double value = reduce_values(kind, d.data(), n);
  store_block<double>(std::is_signed_v<C> ? DType::int64 : DType::uint64, reinterpret_cast<std::byte*>(&out), 0, 1, &value);
  return out;
}

// Neighbouring dims of the same kind (kept or reduced) merged.
struct Layout {
  Dims kept, kept_strides, reduced, reduced_strides;
  Layout(const Dims& dims, const std::vector<bool>& over) {
    const Dims strides = strides_of(dims);
    for (std::size_t d = 0; d < dims.size(); ++d) {
      Dims& sizes = over[d] ? reduced : kept;
      Dims& steps = over[d] ? reduced_strides : kept_strides;
      if (d > 0 && over[d] == over[d - 1]) {
        sizes.back() *= dims[d];
        steps.back() = strides[d];
      } else {
        sizes.push_back(dims[d]);
        steps.push_back(strides[d]);
      }
    }
  }
};
// Offsets of all positions in `dims`, in order.
Ints offsets_of(const Dims& dims, const Dims& strides) {
  Ints r{0};
  for (std::size_t d = 0; d < dims.size(); ++d) {
    Ints next;
    next.reserve(r.size() * static_cast<std::size_t>(dims[d]));
    for (int64_t base : r)
      for (int64_t i = 0; i < dims[d]; ++i) next.push_back(base + i * strides[d]);
    r = std::move(next);
  }
  return r;
}

template <class C>
Tensor reduce_typed(Reduce kind, const Tensor& x, const Layout& layout, const Dims& out) {
  const std::vector<C> v = widen<C>(x);
  const Ints starts = offsets_of(layout.kept, layout.kept_strides);
  const bool contiguous = layout.reduced.size() <= 1 && (layout.reduced.empty() || layout.reduced_strides[0] == 1);
  const Ints inside = contiguous ? Ints() : offsets_of(layout.reduced, layout.reduced_strides);
  const int64_t n = product(layout.reduced);
  std::vector<C> r(starts.size());
  parallel_for(static_cast<int64_t>(starts.size()), 2.0 * static_cast<double>(n), [&](int64_t from, int64_t to) {
    std::vector<C> gathered(contiguous ? 0 : static_cast<std::size_t>(n));
    for (int64_t i = from; i < to; ++i) {
      const C* values = v.data() + starts[static_cast<std::size_t>(i)];
      if (!contiguous) {
        for (std::size_t k = 0; k < inside.size(); ++k) gathered[k] = values[inside[k]];
        values = gathered.data();
      }
      r[static_cast<std::size_t>(i)] = reduce_values(kind, values, n);
    }
  });
  return narrow(x.dtype(), out, r);
}

// The value of an empty reduction, by the specification of each operator.
Tensor reduce_nothing(Reduce kind, DType t, const Dims& out) {
  double v = 0;
  const bool f = is_float(t);
  switch (kind) {
    case Reduce::prod: v = 1; break;
    case Reduce::max: v = f ? -HUGE_VAL : lowest_value(t); break;
    case Reduce::min: v = f ? HUGE_VAL : highest_value(t); break;
    case Reduce::mean: v = std::numeric_limits<double>::quiet_NaN(); break;
    case Reduce::log_sum:
    case Reduce::log_sum_exp: v = -HUGE_VAL; break;
    default: break;
  }
  if (!f && (std::isnan(v) || std::isinf(v))) bad_input(fmt::format("the reduction of no elements is undefined for {}", dtype_name(t)));
  if (kind == Reduce::min && (t == DType::int64 || t == DType::uint64))  // not exact in double
    return narrow<uint64_t>(t, out, std::vector<uint64_t>(static_cast<std::size_t>(element_count(out)), t == DType::int64 ? INT64_MAX : UINT64_MAX));
  return narrow<double>(t, out, std::vector<double>(static_cast<std::size_t>(element_count(out)), v));
}

// Axes: the second input (from 18, ReduceSum from 13), an attribute before; none: all, or nothing with noop_with_empty_axes.
template <Reduce kKind>
Maybe<RunFn> prepare_reduce(const OpCall& call, ExecEnv&) {
  const bool keepdims = attr_or<int64_t>(call, "keepdims", 1) != 0, noop = attr_or<int64_t>(call, "noop_with_empty_axes", 0) != 0;
  return RunFn([keepdims, noop, stated = attr_or<Ints>(call, "axes", {})](KernelIo& io) {
    const Tensor& x = io.in(0);
    Ints axes = io.has(1) ? ints_of(io.in(1)) : stated;
    for (int64_t& a : axes) a = normalize_axis(a, x.rank());
    constexpr bool kKeepsOne = kKind == Reduce::sum || kKind == Reduce::mean || kKind == Reduce::prod || kKind == Reduce::max || kKind == Reduce::min;
    if (kKeepsOne && axes.empty() && noop) return io.set(0, x);  // 0 + -0.0 would lose its sign
    if (axes.empty() && !noop)
      for (int64_t d = 0; d < x.rank(); ++d) axes.push_back(d);
    io.set(0, reduce(kKind, x, axes, keepdims));
  });
}

constexpr Kernel kKernels[] = {
    {"", "ReduceSum", 1, kAnyVersion, prepare_reduce<Reduce::sum>},
    {"", "ReduceMean", 1, kAnyVersion, prepare_reduce<Reduce::mean>},
    {"", "ReduceProd", 1, kAnyVersion, prepare_reduce<Reduce::prod>},
    {"", "ReduceMax", 1, kAnyVersion, prepare_reduce<Reduce::max>},
    {"", "ReduceMin", 1, kAnyVersion, prepare_reduce<Reduce::min>},
    {"", "ReduceL1", 1, kAnyVersion, prepare_reduce<Reduce::l1>},
    {"", "ReduceL2", 1, kAnyVersion, prepare_reduce<Reduce::l2>},
    {"", "ReduceLogSum", 1, kAnyVersion, prepare_reduce<Reduce::log_sum>},
    {"", "ReduceLogSumExp", 1, kAnyVersion, prepare_reduce<Reduce::log_sum_exp>},
    {"", "ReduceSumSquare", 1, kAnyVersion, prepare_reduce<Reduce::sum_square>},
};

}  // namespace

Tensor reduce(Reduce kind, const Tensor& x, const Ints& axes, bool keepdims) {
  std::vector<bool> over(x.dims().size());
  for (int64_t a : axes) over[static_cast<std::size_t>(a)] = true;
  Dims out;
  for (std::size_t d = 0; d < over.size(); ++d) {
    if (!over[d]) out.push_back(x.dims()[d]);
    else if (keepdims) out.push_back(1);
  }
  const Layout layout(x.dims(), over);
  if (product(layout.reduced) == 0) return reduce_nothing(kind, x.dtype(), out);
  if (is_float(x.dtype())) return reduce_typed<double>(kind, x, layout, out);
  if (is_signed_integer(x.dtype())) return reduce_typed<int64_t>(kind, x, layout, out);
  return reduce_typed<uint64_t>(kind, x, layout, out);
}

std::span<const Kernel> reduce_kernels() { return kKernels; }

}  // namespace onnxopt::ref
