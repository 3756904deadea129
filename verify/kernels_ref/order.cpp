// ArgMax, ArgMin, TopK, CumSum, CumProd, Unique.
#include <algorithm>
#include <numeric>

#include "verify/exec/deadline.h"
#include "verify/kernels_ref/codes.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/lines.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using std::uint64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// Calls f(C{}) with the carrier of a numeric dtype.
template <class F>
auto with_carrier(DType t, F f) {
  if (is_float(t)) return f(double{});
  if (is_signed_integer(t)) return f(int64_t{});
  if (is_unsigned_integer(t) || t == DType::boolean) return f(uint64_t{});
  bad_input(fmt::format("not defined for {}", dtype_name(t)));
}

// ---- ArgMax, ArgMin: NaN wins, as in numpy.
template <class C>
Ints arg_best(const Tensor& x, const Lines& lines, bool largest, bool last) {
  const std::vector<C> v = widen<C>(x);
  Ints best(at(lines.count()));
  DeadlineWatch watch;
  for (int64_t i = 0; i < lines.count(); ++i, watch.did(4 + 2 * lines.length)) {
    const C* line = v.data() + lines.start(i);
    int64_t b = 0;
    for (int64_t k = 1; k < lines.length; ++k) {
      const C old = line[b * lines.inner], now = line[k * lines.inner];
      if (old != old) break;
      const bool better = now != now || (largest ? now > old : now < old);
      if (better || (last && now == old)) b = k;
    }
    best[at(i)] = b;
  }
  return best;
}
template <bool kLargest>
Maybe<RunFn> prepare_arg(const OpCall& call, ExecEnv&) {
  const bool last = attr_or<int64_t>(call, "select_last_index", 0) != 0, keepdims = attr_or<int64_t>(call, "keepdims", 1) != 0;
  return RunFn([=, stated = attr_or<int64_t>(call, "axis", 0)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const int64_t axis = normalize_axis(stated, x.rank());
    const Lines lines(x.dims(), axis);
    if (lines.length == 0) bad_input(fmt::format("axis {} is empty", stated));
    const Ints best = with_carrier(x.dtype(), [&](auto zero) { return arg_best<decltype(zero)>(x, lines, kLargest, last); });
    Dims out = x.dims();
    if (keepdims) out[at(axis)] = 1;
    else out.erase(out.begin() + axis);
    io.set(0, Tensor::of<int64_t>(out, best));
  });
}

// ---- TopK: ties go to the lower index; NaN counts as larger than everything.
template <class C>
bool before(C a, C b, bool largest) {
  const bool na = a != a, nb = b != b;
  if (na || nb) return largest ? na && !nb : nb && !na;
  return largest ? a > b : a < b;
}
template <class C>
void top_k(KernelIo& io, int64_t axis, int64_t k, bool largest) {
  const Tensor& x = io.in(0);
  const Lines lines(x.dims(), axis);
  Dims out = x.dims();
  out[at(axis)] = k;
  const std::vector<C> v = widen<C>(x);
  std::vector<C> values(at(element_count(out)));
  Ints indices(values.size()), order(at(lines.length));
  DeadlineWatch watch;
  for (int64_t i = 0; i < lines.count(); ++i, watch.did(20 * lines.length)) {
    const C* line = v.data() + lines.start(i);
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](int64_t a, int64_t b) {
      const C x_a = line[a * lines.inner], x_b = line[b * lines.inner];
      return before(x_a, x_b, largest) || (!before(x_b, x_a, largest) && a < b);
    });
    const int64_t start = i / lines.inner * k * lines.inner + i % lines.inner;
    for (int64_t j = 0; j < k; ++j) {
      values[at(start + j * lines.inner)] = line[order[at(j)] * lines.inner];
      indices[at(start + j * lines.inner)] = order[at(j)];
    }
  }
  io.set(0, narrow(x.dtype(), out, values));
  io.set(1, Tensor::of<int64_t>(out, indices));
}
Maybe<RunFn> prepare_top_k(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr_or<int64_t>(call, "axis", -1), largest = attr_or<int64_t>(call, "largest", 1) != 0,
                attr_k = attr_or<int64_t>(call, "k", 0)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const int64_t axis = normalize_axis(stated, x.rank()), k = io.has(1) ? scalar_of<int64_t>(io.in(1)) : attr_k;
    if (k < 0 || k > x.dims()[at(axis)]) bad_input(fmt::format("k is {}, the axis has {} elements", k, x.dims()[at(axis)]));
    with_carrier(x.dtype(), [&](auto zero) { top_k<decltype(zero)>(io, axis, k, largest); });
  });
}

// ---- CumSum, CumProd
template <class C>
C combine(bool is_product, C a, C b) {
  using U = std::conditional_t<std::is_integral_v<C>, uint64_t, C>;  // integers wrap
  return is_product ? static_cast<C>(static_cast<U>(a) * static_cast<U>(b)) : static_cast<C>(static_cast<U>(a) + static_cast<U>(b));
}
template <class C>
Tensor cumulate(const Tensor& x, int64_t axis, bool is_product, bool exclusive, bool reverse) {
  const Lines lines(x.dims(), axis);
  std::vector<C> v = widen<C>(x);
  DeadlineWatch watch;
  for (int64_t i = 0; i < lines.count(); ++i, watch.did(4 + 2 * lines.length)) {
    C sum = is_product ? C(1) : C(0);
    for (int64_t k = 0; k < lines.length; ++k) {
      C& e = v[at(lines.start(i) + (reverse ? lines.length - 1 - k : k) * lines.inner)];
      const C next = combine(is_product, sum, e);
      e = exclusive ? sum : next;
      sum = next;
    }
  }
  return narrow(x.dtype(), x.dims(), v);
}
template <bool kProduct>
Maybe<RunFn> prepare_cumulate(const OpCall& call, ExecEnv&) {
  return RunFn([exclusive = attr_or<int64_t>(call, "exclusive", 0) != 0, reverse = attr_or<int64_t>(call, "reverse", 0) != 0](KernelIo& io) {
    const Tensor& x = io.in(0);
    const int64_t axis = normalize_axis(scalar_of<int64_t>(io.in(1)), x.rank());
    io.set(0, with_carrier(x.dtype(), [&](auto zero) { return cumulate<decltype(zero)>(x, axis, kProduct, exclusive, reverse); }));
  });
}

// ---- Unique: rows (or elements) numbered by first occurrence, then sorted on demand.
struct UniqueResult {
  Ints first, inverse, counts;
};
template <class Less>
UniqueResult unique_rows(int64_t n, bool sorted, Less less) {
  Ints order(at(n));
  std::iota(order.begin(), order.end(), 0);
  DeadlineWatch watch;
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    watch.did(20);
    return less(a, b);
  });
  UniqueResult r;
  r.inverse.resize(at(n));
  for (int64_t i = 0; i < n; ++i) {
    if (i == 0 || less(order[at(i - 1)], order[at(i)])) {
      r.first.push_back(order[at(i)]);
      r.counts.push_back(0);
    }
    ++r.counts.back();
    r.inverse[at(order[at(i)])] = static_cast<int64_t>(r.first.size()) - 1;
  }
  if (sorted) return r;
  Ints by_first(r.first.size()), rank(r.first.size());
  std::iota(by_first.begin(), by_first.end(), 0);
  std::sort(by_first.begin(), by_first.end(), [&](int64_t a, int64_t b) { return r.first[at(a)] < r.first[at(b)]; });
  UniqueResult s;
  for (std::size_t i = 0; i < by_first.size(); ++i) {
    rank[at(by_first[i])] = static_cast<int64_t>(i);
    s.first.push_back(r.first[at(by_first[i])]);
    s.counts.push_back(r.counts[at(by_first[i])]);
  }
  for (int64_t i : r.inverse) s.inverse.push_back(rank[at(i)]);
  return s;
}
template <class T>
UniqueResult unique_of(const T* v, const Lines& lines, bool sorted) {
  // Slice i consists of the elements (o, i, n); NaN sorts last and equals itself.
  auto smaller = [](const T& a, const T& b) {
    if constexpr (std::is_floating_point_v<T>)
      if (a != a || b != b) return b != b && a == a;
    return a < b;
  };
  return unique_rows(lines.length, sorted, [&](int64_t a, int64_t b) {
    for (int64_t o = 0; o < lines.outer; ++o)
      for (int64_t n = 0; n < lines.inner; ++n) {
        const T& x = v[(o * lines.length + a) * lines.inner + n];
        const T& y = v[(o * lines.length + b) * lines.inner + n];
        if (smaller(x, y)) return true;
        if (smaller(y, x)) return false;
      }
    return false;
  });
}
Maybe<RunFn> prepare_unique(const OpCall& call, ExecEnv&) {
  return RunFn([has_axis = has_attr(call, "axis"), stated = attr_or<int64_t>(call, "axis", 0),
                sorted = attr_or<int64_t>(call, "sorted", 1) != 0](KernelIo& io) {
    const Tensor x = has_axis ? io.in(0) : io.in(0).reshaped({io.in(0).size()});
    const int64_t axis = normalize_axis(stated, x.rank());
    const Lines lines(x.dims(), axis);
    const UniqueResult u = x.dtype() == DType::string
                               ? unique_of(x.strings().data(), lines, sorted)
                               : with_carrier(x.dtype(), [&](auto zero) { return unique_of(widen<decltype(zero)>(x).data(), lines, sorted); });
    Dims out = x.dims();
    out[at(axis)] = static_cast<int64_t>(u.first.size());
    Codes codes(x.dtype());
    const std::byte* in = codes.add(x);
    const std::size_t bytes = at(lines.inner) * codes.size();
    std::byte* to = codes.make(out);
    for (int64_t o = 0; o < lines.outer && bytes != 0; ++o)
      for (int64_t i : u.first) {
        std::memcpy(to, in + at(o * lines.length + i) * bytes, bytes);
        to += bytes;
      }
    io.set(0, codes.finish());
    io.set(1, Tensor::int64s(u.first));
    io.set(2, Tensor::int64s(u.inverse));
    io.set(3, Tensor::int64s(u.counts));
  });
}

constexpr Kernel kKernels[] = {
    {"", "ArgMax", 1, kAnyVersion, prepare_arg<true>},
    {"", "ArgMin", 1, kAnyVersion, prepare_arg<false>},
    {"", "TopK", 1, kAnyVersion, prepare_top_k},
    {"", "CumSum", 11, kAnyVersion, prepare_cumulate<false>},
    {"", "CumProd", 26, kAnyVersion, prepare_cumulate<true>},
    {"", "Unique", 11, kAnyVersion, prepare_unique},
};

}  // namespace

std::span<const Kernel> order_kernels() { return kKernels; }

}  // namespace onnxopt::ref
