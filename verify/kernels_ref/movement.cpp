// Operators whose output is a rearrangement of their input: any element type, exactly.
#include <algorithm>
#include <optional>

#include "verify/exec/deadline.h"
#include "verify/kernels_ref/codes.h"
#include "verify/kernels_ref/families.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// out[i0, i1, ...] = x[offset + sum of i_d * strides_d], reshaped to `shape`.
Tensor gather_strided(const Tensor& x, const Dims& dims, const Dims& strides, int64_t offset, Dims shape) {
  Codes codes(x.dtype());
  const std::byte* in = codes.add(x);
  std::byte* out = codes.make(std::move(shape));
  copy_strided(codes.size(), in + offset * static_cast<int64_t>(codes.size()), out, dims, strides);
  return codes.finish();
}
Tensor gather_strided(const Tensor& x, const Dims& dims, const Dims& strides, int64_t offset = 0) {
  return gather_strided(x, dims, strides, offset, dims);
}

Maybe<RunFn> prepare_transpose(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr_or<Ints>(call, "perm", {}), has = has_attr(call, "perm")](KernelIo& io) {
    const Tensor& x = io.in(0);
    Ints perm = stated;
    if (!has)
      for (int64_t d = x.rank(); d-- > 0;) perm.push_back(d);
    if (static_cast<int64_t>(perm.size()) != x.rank()) bad_input(fmt::format("perm has {} entries for rank {}", perm.size(), x.rank()));
    std::vector<bool> seen(perm.size());
    const Dims strides = strides_of(x.dims());
    Dims dims, moved;
    for (int64_t p : perm) {
      if (p < 0 || p >= x.rank() || seen[at(p)]) bad_input(fmt::format("perm {} is no permutation", dims_text(perm)));
      seen[at(p)] = true;
      dims.push_back(x.dims()[at(p)]);
      moved.push_back(strides[at(p)]);
    }
    io.set(0, gather_strided(x, dims, moved));
  });
}

Maybe<RunFn> prepare_concat(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr<int64_t>(call, "axis")](KernelIo& io) {
    Dims out = io.in(0).dims();
    const auto axis = at(normalize_axis(stated, io.in(0).rank()));
    Codes codes(io.in(0).dtype());
    std::vector<std::pair<const std::byte*, std::size_t>> parts;
    const int64_t outer = product(out, 0, axis);
    out[axis] = 0;
    for (std::size_t i = 0; i < io.num_inputs(); ++i) {
      const Dims& dims = io.in(i).dims();
      bool fits = dims.size() == out.size();
      for (std::size_t d = 0; fits && d < dims.size(); ++d) fits = d == axis || dims[d] == out[d];
      if (!fits) bad_input(fmt::format("input {} is {}, the first {}, axis {}", i, dims_text(dims), dims_text(io.in(0).dims()), stated));
      out[axis] += dims[axis];
      parts.emplace_back(codes.add(io.in(i)), at(product(dims, axis)) * codes.size());
    }
    std::byte* to = codes.make(out);
    DeadlineWatch watch;
    for (int64_t o = 0; o < outer; ++o)
      for (const auto& [from, bytes] : parts) {
        if (bytes != 0) std::memcpy(to, from + at(o) * bytes, bytes);
        to += bytes;
        watch.did(moving_cost(bytes));
      }
    io.set(0, codes.finish());
  });
}

// Sizes along the axis: the second input, an attribute (before 13), or equal parts of which the last may be smaller where `uneven` (from 18).
Ints split_sizes(KernelIo& io, const Ints& stated, int64_t length, bool uneven) {
  if (io.has(1)) return ints_of(io.in(1));
  if (!stated.empty()) return stated;
  const auto n = static_cast<int64_t>(io.num_outputs());
  if (!uneven && length % n != 0) bad_input(fmt::format("an axis of {} in {} equal parts", length, n));
  const int64_t part = (length + n - 1) / n;
  Ints sizes;
  for (int64_t left = length, i = 0; i < n; ++i, left -= sizes.back()) sizes.push_back(std::min(part, left));
  return sizes;
}
Maybe<RunFn> prepare_split(const OpCall& call, ExecEnv&) {
  const auto* stated_count = call.attrs->get<int64_t>("num_outputs");
  const auto count = stated_count ? std::optional(*stated_count) : std::nullopt;
  const bool uneven = call.op->since >= 18;
  return RunFn([count, uneven, stated = attr_or<int64_t>(call, "axis", 0), sizes = attr_or<Ints>(call, "split", {})](KernelIo& io) {
    const Tensor& x = io.in(0);
    const auto axis = at(normalize_axis(stated, x.rank()));
    if (count && *count != static_cast<int64_t>(io.num_outputs()))
      bad_input(fmt::format("num_outputs is {}, the node has {} outputs", *count, io.num_outputs()));
    const Ints parts = split_sizes(io, sizes, x.dims()[axis], uneven);
    int64_t total = 0;
    for (int64_t p : parts) {
      if (p < 0 || p > x.dims()[axis]) bad_input(fmt::format("a part of {} elements", p));
      total += p;
    }
    if (parts.size() != io.num_outputs() || total != x.dims()[axis])
      bad_input(fmt::format("{} parts of {} elements for {} outputs of an axis of {}", parts.size(), total, io.num_outputs(), x.dims()[axis]));
    const Dims strides = strides_of(x.dims());
    int64_t start = 0;
    for (std::size_t i = 0; i < parts.size(); ++i, start += parts[i - 1]) {
      Dims dims = x.dims();
      dims[axis] = parts[i];
      io.set(i, gather_strided(x, dims, strides, start * strides[axis]));
    }
  });
}

struct SliceRange {
  int64_t start, count, step;
};
// Slice-13: negative bounds count from the end, then both are clamped.
SliceRange slice_range(int64_t start, int64_t end, int64_t step, int64_t n) {
  if (step == 0) bad_input("a step of 0");
  if (start < 0) start += n;
  if (end < 0) end = end < -n ? -1 : end + n;
  if (step > 0) {
    start = std::clamp(start, int64_t{0}, n);
    end = std::clamp(end, int64_t{0}, n);
    return {start, end > start ? (end - start - 1) / step + 1 : 0, step};
  }
  if (n == 0) return {0, 0, step};
  start = std::clamp(start, int64_t{0}, n - 1);  // as specified: a start before the first element is the first; NumPy takes nothing there
  end = std::clamp(end, int64_t{-1}, n - 1);
  if (step == INT64_MIN) ++step;
  return {start, start > end ? (start - end - 1) / -step + 1 : 0, step};
}
void slice(KernelIo& io, const Ints& starts, const Ints& ends, Ints axes, Ints steps) {
  const Tensor& x = io.in(0);
  if (axes.empty())
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    bad_input(fmt::format("{} starts, {} ends, {} axes, {} steps", starts.size(), ends.size(), axes.size(), steps.size()));
  Dims dims = x.dims(), strides = strides_of(x.dims());
  int64_t offset = 0;
  std::vector<bool> seen(dims.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto a = at(normalize_axis(axes[i], x.rank()));
    if (seen[a]) bad_input(fmt::format("axis {} is given twice", axes[i]));
    seen[a] = true;
    const SliceRange r = slice_range(starts[i], ends[i], steps[i], x.dims()[a]);
    dims[a] = r.count;
    if (r.count > 0) offset += r.start * strides[a];
    if (r.count > 1) strides[a] *= r.step;
  }
  io.set(0, gather_strided(x, dims, strides, product(dims) == 0 ? 0 : offset));
}
void run_slice(KernelIo& io) {
  slice(io, ints_of(io.in(1)), ints_of(io.in(2)), io.has(3) ? ints_of(io.in(3)) : Ints(), io.has(4) ? ints_of(io.in(4)) : Ints());
}
Maybe<RunFn> prepare_slice_1(const OpCall& call, ExecEnv&) {
  return RunFn(
      [s = attr<Ints>(call, "starts"), e = attr<Ints>(call, "ends"), a = attr_or<Ints>(call, "axes", {})](KernelIo& io) { slice(io, s, e, a, {}); });
}

void run_tile(KernelIo& io) {
  const Tensor& x = io.in(0);
  const Ints repeats = ints_of(io.in(1));
  if (static_cast<int64_t>(repeats.size()) != x.rank()) bad_input(fmt::format("{} repeats for rank {}", repeats.size(), x.rank()));
  const Dims own = strides_of(x.dims());
  Dims dims, strides, shape = x.dims();
  for (std::size_t d = 0; d < repeats.size(); ++d) {
    if (repeats[d] < 0) bad_input(fmt::format("a repeat of {}", repeats[d]));
    dims.insert(dims.end(), {repeats[d], x.dims()[d]});
    strides.insert(strides.end(), {0, own[d]});
    if (__builtin_mul_overflow(shape[d], repeats[d], &shape[d])) bad_input("the result is too large");
  }
  io.set(0, gather_strided(x, dims, strides, 0, shape));
}

Dims broadcast_strides(const Tensor& x, const Dims& out) {
  const Dims own = strides_of(x.dims());
  Dims strides(out.size());
  const std::size_t missing = out.size() - own.size();
  for (std::size_t d = missing; d < out.size(); ++d) strides[d] = x.dims()[d - missing] == 1 ? 0 : own[d - missing];
  return strides;
}
void run_expand(KernelIo& io) {
  const Tensor& x = io.in(0);
  const Dims out = broadcast(x.dims(), ints_of(io.in(1)));
  element_count(out);
  io.set(0, out == x.dims() ? x : gather_strided(x, out, broadcast_strides(x, out)));
}

constexpr int64_t kLargestBlock = 1 << 30;  // its square is a number

// DepthToSpace / SpaceToDepth as a transposition of a 6-dimensional view.
Maybe<RunFn> prepare_depth_to_space(const OpCall& call, ExecEnv&) {
  return RunFn([b = attr<int64_t>(call, "blocksize"), crd = attr_or<std::string>(call, "mode", "DCR") == "CRD"](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() != 4 || b <= 0 || b > kLargestBlock || x.dims()[1] % (b * b) != 0)
      bad_input(fmt::format("blocksize {} for {}", b, dims_text(x.dims())));
    const int64_t n = x.dims()[0], c = x.dims()[1] / (b * b), h = x.dims()[2], w = x.dims()[3];
    const int64_t sc = h * w;  // stride of an input channel
    const int64_t s_block = crd ? sc : c * sc, s_channel = crd ? b * b * sc : sc;
    io.set(0, gather_strided(x, {n, c, h, b, w, b}, {c * b * b * sc, s_channel, w, b * s_block, 1, s_block}, 0, {n, c, h * b, w * b}));
  });
}
Maybe<RunFn> prepare_space_to_depth(const OpCall& call, ExecEnv&) {
  return RunFn([b = attr<int64_t>(call, "blocksize"), crd = attr_or<std::string>(call, "mode", "DCR") == "CRD"](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() != 4 || b <= 0 || b > kLargestBlock || x.dims()[2] % b != 0 || x.dims()[3] % b != 0)
      bad_input(fmt::format("blocksize {} for {}", b, dims_text(x.dims())));
    const int64_t n = x.dims()[0], c = x.dims()[1], h = x.dims()[2] / b, w = x.dims()[3] / b, row = x.dims()[3], sc = x.dims()[2] * row;
    const Dims shape{n, c * b * b, h, w};
    if (crd) io.set(0, gather_strided(x, {n, c, b, b, h, w}, {c * sc, sc, row, 1, b * row, b}, 0, shape));
    else io.set(0, gather_strided(x, {n, b, b, c, h, w}, {c * sc, row, 1, sc, b * row, b}, 0, shape));
  });
}

Maybe<RunFn> prepare_reverse_sequence(const OpCall& call, ExecEnv&) {
  return RunFn([batch_axis = attr<int64_t>(call, "batch_axis"), time_axis = attr<int64_t>(call, "time_axis")](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() < 2 || (batch_axis != 0 && batch_axis != 1) || time_axis != 1 - batch_axis)
      bad_input(fmt::format("batch_axis {}, time_axis {} for rank {}", batch_axis, time_axis, x.rank()));
    const Ints lengths = ints_of(io.in(1));
    const Dims strides = strides_of(x.dims());
    const int64_t batch = x.dims()[at(batch_axis)], time = x.dims()[at(time_axis)];
    if (static_cast<int64_t>(lengths.size()) != batch) bad_input(fmt::format("{} sequence lengths for a batch of {}", lengths.size(), batch));
    Codes codes(x.dtype());
    const std::byte* in = codes.add(x);
    std::byte* out = codes.make(x.dims());
    const std::size_t bytes = at(strides[1]) * codes.size();
    DeadlineWatch watch;
    for (int64_t n = 0; n < batch; ++n) {
      const int64_t length = lengths[at(n)];
      if (length < 0 || length > time) bad_input(fmt::format("sequence length {} of {} steps", length, time));
      for (int64_t t = 0; t < time && bytes != 0; ++t) {
        const int64_t from = t < length ? length - 1 - t : t;
        const auto offset = [&](int64_t step) { return at(n * strides[at(batch_axis)] + step * strides[at(time_axis)]) * codes.size(); };
        std::memcpy(out + offset(t), in + offset(from), bytes);
        watch.did(moving_cost(bytes));
      }
    }
    io.set(0, codes.finish());
  });
}

Maybe<RunFn> prepare_trilu(const OpCall& call, ExecEnv&) {
  return RunFn([upper = attr<int64_t>(call, "upper") != 0](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() < 2) bad_input("the input must have two dimensions or more");
    const int64_t k = io.has(1) ? scalar_of<int64_t>(io.in(1)) : 0;
    const int64_t rows = x.dims()[at(x.rank() - 2)], columns = x.dims().back(), matrices = product(x.dims(), 0, at(x.rank() - 2));
    Codes codes(x.dtype());
    const std::byte* in = codes.add(x);
    const auto zero = codes.zero();
    std::byte* out = codes.make(x.dims());
    std::size_t offset = 0;
    DeadlineWatch watch;
    for (int64_t m = 0; m < matrices; ++m)
      for (int64_t r = 0; r < rows; ++r, watch.did(4 * columns))
        for (int64_t c = 0; c < columns; ++c, offset += codes.size()) {
          // c - r never overflows; k may be anything
          const bool keep = upper ? c - r >= k : c - r <= k;
          std::memcpy(out + offset, keep ? in + offset : zero.data(), codes.size());
        }
    io.set(0, codes.finish());
  });
}

constexpr Kernel kKernels[] = {
    {"", "Transpose", 1, kAnyVersion, prepare_transpose},
    {"", "Concat", 4, kAnyVersion, prepare_concat},
    {"", "Split", 1, kAnyVersion, prepare_split},
    {"", "Slice", 1, 9, prepare_slice_1},
    {"", "Slice", 10, kAnyVersion, simple<run_slice>},
    {"", "Tile", 6, kAnyVersion, simple<run_tile>},
    {"", "Expand", 8, kAnyVersion, simple<run_expand>},
    {"", "DepthToSpace", 1, kAnyVersion, prepare_depth_to_space},
    {"", "SpaceToDepth", 1, kAnyVersion, prepare_space_to_depth},
    {"", "ReverseSequence", 10, kAnyVersion, prepare_reverse_sequence},
    {"", "Trilu", 14, kAnyVersion, prepare_trilu},
};

}  // namespace

std::span<const Kernel> movement_kernels() { return kKernels; }

}  // namespace onnxopt::ref
