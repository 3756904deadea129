// Pad and CenterCropPad: per axis a map from output to input positions, -1 for the fill value.
#include "verify/exec/deadline.h"
#include "verify/kernels_ref/codes.h"
#include "verify/kernels_ref/families.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

enum class PadMode { constant, reflect, edge, wrap };
PadMode read_mode(const OpCall& call) {
  const std::string name = attr_or<std::string>(call, "mode", "constant");
  if (name == "constant") return PadMode::constant;
  if (name == "reflect") return PadMode::reflect;
  if (name == "edge") return PadMode::edge;
  if (name == "wrap") return PadMode::wrap;
  bad_input("attribute 'mode' must be constant, reflect, edge or wrap, not " + name);
}

// The part of the axis that a negative pad leaves is [low, high); everything outside comes from it.
int64_t source(PadMode mode, int64_t i, int64_t low, int64_t high) {
  const int64_t n = high - low;
  if (i >= low && i < high) return i;
  switch (mode) {
    case PadMode::constant: return -1;
    case PadMode::edge: return i < low ? low : high - 1;
    case PadMode::wrap: return low + ((i - low) % n + n) % n;
    case PadMode::reflect: break;
  }
  if (n == 1) return low;
  const int64_t period = 2 * (n - 1), r = ((i - low) % period + period) % period;
  return low + (r < n ? r : period - r);
}
Ints axis_map(PadMode mode, int64_t n, int64_t before, int64_t after) {
  const int64_t low = before < 0 ? -before : 0, high = n + (after < 0 ? after : 0), out = n + before + after;
  if (out < 0) bad_input(fmt::format("pads {} and {} leave less than nothing of {}", before, after, n));
  if (mode != PadMode::constant && high <= low && out > 0) bad_input("nothing to pad from in an empty axis");
  Ints map(at(out));
  for (int64_t i = 0; i < out; ++i) map[at(i)] = source(mode, i - before, low, high);
  return map;
}

Tensor remap(const Tensor& x, const std::vector<Ints>& maps, const Tensor* fill) {
  Dims out;
  for (const Ints& m : maps) out.push_back(static_cast<int64_t>(m.size()));
  Codes codes(x.dtype());
  const std::byte* in = codes.add(x);
  std::vector<std::byte> value = codes.zero();
  if (fill) std::memcpy(value.data(), codes.add(*fill), codes.size());
  std::byte* to = codes.make(out);
  if (maps.empty()) {
    std::memcpy(to, in, codes.size());
    return codes.finish();
  }
  const Dims strides = strides_of(x.dims());
  const Ints& row = maps.back();
  const int64_t n = out.back(), rows = product(out, 0, out.size() - 1);
  with_size(codes.size(), [&](auto width) {
    constexpr std::size_t kSize = decltype(width)::value;
    DeadlineWatch watch;
    for (int64_t r = 0; r < rows; ++r, watch.did(10 + 2 * n)) {
      int64_t base = 0;
      bool inside = true;
      for (std::size_t d = out.size() - 1, rest = at(r); d-- > 0; rest /= at(out[d])) {
        const int64_t from = maps[d][rest % at(out[d])];
        inside &= from >= 0;
        base += from * strides[d];
      }
      for (int64_t i = 0; i < n; ++i, to += kSize) {
        const int64_t from = row[at(i)];
        std::memcpy(to, inside && from >= 0 ? in + at(base + from) * kSize : value.data(), kSize);
      }
    }
  });
  return codes.finish();
}

void pad(KernelIo& io, PadMode mode, const Ints& pads, const Tensor* fill, Ints axes) {
  const Tensor& x = io.in(0);
  if (axes.empty())
    for (int64_t d = 0; d < x.rank(); ++d) axes.push_back(d);
  if (pads.size() != 2 * axes.size()) bad_input(fmt::format("{} pads for {} axes", pads.size(), axes.size()));
  Ints before(x.dims().size()), after(x.dims().size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = at(normalize_axis(axes[i], x.rank()));
    if (before[axis] != 0 || after[axis] != 0) bad_input(fmt::format("axis {} is padded twice", axis));
    before[axis] = pads[i];
    after[axis] = pads[i + axes.size()];
  }
  std::vector<Ints> maps;
  for (std::size_t d = 0; d < before.size(); ++d) {
    int64_t out = 0;
    if (__builtin_add_overflow(before[d], after[d], &out) || __builtin_add_overflow(out, x.dims()[d], &out) || out > (int64_t{1} << 40))
      bad_input(fmt::format("pads {} and {} are too large", before[d], after[d]));
    maps.push_back(axis_map(mode, x.dims()[d], before[d], after[d]));
  }
  io.set(0, remap(x, maps, fill));
}

Maybe<RunFn> prepare_pad(const OpCall& call, ExecEnv&) {
  return RunFn([mode = read_mode(call)](KernelIo& io) {
    const Tensor* fill = io.has(2) ? &io.in(2) : nullptr;
    if (fill && fill->size() != 1) bad_input(fmt::format("constant_value has {} elements", fill->size()));
    if (io.has(3) && io.in(3).size() == 0 && io.in(1).size() == 0) return io.set(0, io.in(0));  // no axis, unlike no list of them
    pad(io, mode, ints_of(io.in(1)), fill, io.has(3) ? ints_of(io.in(3)) : Ints());
  });
}
Maybe<RunFn> prepare_pad_2(const OpCall& call, ExecEnv&) {
  return RunFn([mode = read_mode(call), pads = attr<Ints>(call, "pads"), value = attr_or<float>(call, "value", 0)](KernelIo& io) {
    const Tensor fill = narrow<double>(io.in(0).dtype(), {}, {value});
    pad(io, mode, pads, &fill, {});
  });
}

Maybe<RunFn> prepare_center_crop_pad(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr_or<Ints>(call, "axes", {})](KernelIo& io) {
    const Tensor& x = io.in(0);
    const Ints shape = ints_of(io.in(1));
    Ints axes = stated;
    if (axes.empty())
      for (int64_t d = 0; d < x.rank(); ++d) axes.push_back(d);
    if (axes.size() != shape.size()) bad_input(fmt::format("{} sizes for {} axes", shape.size(), axes.size()));
    Ints pads(2 * axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const int64_t n = x.dims()[at(normalize_axis(axes[i], x.rank()))], grow = shape[i] - n;
      pads[i] = grow >= 0 ? grow / 2 : -(-grow / 2);  // the odd element goes to, or is cut from, the end
      pads[i + axes.size()] = grow - pads[i];
    }
    pad(io, PadMode::constant, pads, nullptr, axes);
  });
}

constexpr Kernel kKernels[] = {
    {"", "Pad", 2, 10, prepare_pad_2},
    {"", "Pad", 11, kAnyVersion, prepare_pad},
    {"", "CenterCropPad", 18, kAnyVersion, prepare_center_crop_pad},
};

}  // namespace

std::span<const Kernel> pad_kernels() { return kKernels; }

}  // namespace onnxopt::ref
