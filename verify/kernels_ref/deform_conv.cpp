// DeformConv of any number of spatial dims: a Conv whose taps are moved by offsets, sampled linearly (outside of the input: 0) and scaled by a mask.
#include <cmath>

#include "verify/exec/deadline.h"
#include "verify/kernels_ref/conv.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/gemm.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct DeformAttrs {
  WindowAttrs window;
  int64_t groups, offset_groups;
};

struct Tap {
  int64_t index;
  double weight;
};

// The corners around a position with their linear weights; none if the position touches no element.
void corners(const Window& w, const std::vector<double>& position, std::vector<Tap>& taps) {
  taps.assign(1, {0, 1});
  std::vector<Tap> joined;
  for (std::size_t d = 0; d < w.rank(); ++d) {
    joined.clear();
    const double x = position[d];
    if (x > -1 && x < static_cast<double>(w.in[d])) {  // false for NaN
      const double floor = std::floor(x), upper = x - floor;
      const auto low = static_cast<int64_t>(floor);
      for (const Tap& t : taps) {
        if (low >= 0) joined.push_back({t.index * w.in[d] + low, t.weight * (1 - upper)});
        if (low + 1 < w.in[d]) joined.push_back({t.index * w.in[d] + low + 1, t.weight * upper});
      }
    }
    taps.swap(joined);
  }
}

struct Problem {
  ConvShape shape;
  int64_t offset_groups;
  std::vector<double> x, offset, mask;  // an empty mask is all ones
};

// columns[(channel * taps + tap) * positions + position] of the channels [first, first + count) of image n.
void fill_columns(const Problem& p, int64_t n, int64_t first, int64_t count, std::vector<double>& columns) {
  const Window& w = p.shape.window;
  const auto rank = static_cast<int64_t>(w.rank());
  const int64_t kernel = w.kernel_size(), positions = w.out_size(), share = p.shape.in_channels / p.offset_groups;
  std::vector<double> position(at(rank));
  std::vector<Tap> taps;
  Dims k(w.rank());
  DeadlineWatch watch;
  for (int64_t t = 0; t < kernel; ++t, next_position(k, w.kernel)) {
    Dims o(w.rank());
    for (int64_t i = 0; i < positions; ++i, next_position(o, w.out), watch.did(20 * count))
      for (int64_t c = first, group = -1; c < first + count; ++c) {
        const int64_t base = (n * p.offset_groups + c / share) * kernel + t;
        if (c / share != group) {
          group = c / share;
          for (int64_t d = 0; d < rank; ++d)
            position[at(d)] = static_cast<double>(o[at(d)] * w.stride[at(d)] - w.pad_begin[at(d)] + k[at(d)] * w.dilation[at(d)]) +
                              p.offset[at((base * rank + d) * positions + i)];
          corners(w, position, taps);
        }
        double sum = 0;
        for (const Tap& tap : taps) sum += tap.weight * p.x[at((n * p.shape.in_channels + c) * w.in_size() + tap.index)];
        if (!p.mask.empty()) sum *= p.mask[at(base * positions + i)];
        columns[at(((c - first) * kernel + t) * positions + i)] = sum;
      }
  }
}

void check_operand(const Tensor& t, const Dims& want, const char* name) {
  if (t.dims() != want) bad_input(fmt::format("{} is {}, not {}", name, dims_text(t.dims()), dims_text(want)));
}

void run_deform_conv(KernelIo& io, const DeformAttrs& a) {
  const Tensor &x = io.in(0), &weights = io.in(1);
  if (x.rank() < 3 || weights.rank() != x.rank()) bad_input(fmt::format("X {}, W {}", dims_text(x.dims()), dims_text(weights.dims())));
  Problem p{conv_shape(x.dims(), weights.dims(), a.groups, a.window), a.offset_groups, widen<double>(x), widen<double>(io.in(2)), {}};
  const ConvShape& s = p.shape;
  const Window& w = s.window;
  if (a.offset_groups < 1 || s.in_channels % a.offset_groups != 0)
    bad_input(fmt::format("{} offset groups for {} channels", a.offset_groups, s.in_channels));
  Dims offset_dims{s.batch, a.offset_groups * w.kernel_size() * static_cast<int64_t>(w.rank())},
      mask_dims{s.batch, a.offset_groups * w.kernel_size()};
  offset_dims.insert(offset_dims.end(), w.out.begin(), w.out.end());
  mask_dims.insert(mask_dims.end(), w.out.begin(), w.out.end());
  check_operand(io.in(2), offset_dims, "offset");
  if (io.has(4)) {
    check_operand(io.in(4), mask_dims, "mask");
    p.mask = widen<double>(io.in(4));
  }
  if (io.has(3)) check_operand(io.in(3), {s.out_channels}, "B");
  const std::vector<double> v = widen<double>(weights), bias = io.has(3) ? widen<double>(io.in(3)) : std::vector<double>(at(s.out_channels));
  const int64_t positions = w.out_size(), in_share = s.in_channels / s.groups, out_share = s.out_channels / s.groups,
                inner = in_share * w.kernel_size();
  std::vector<double> columns(at(inner * positions)), out(at(element_count(s.out())));
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t g = 0; g < s.groups; ++g) {
      fill_columns(p, n, g * in_share, in_share, columns);
      double* to = out.data() + (n * s.out_channels + g * out_share) * positions;
      gemm_plain<double>(out_share, positions, inner, {v.data() + g * out_share * inner, inner, 1}, {columns.data(), positions, 1}, to, positions);
      for (int64_t c = 0; c < out_share; ++c)
        for (int64_t i = 0; i < positions; ++i) to[c * positions + i] += bias[at(g * out_share + c)];
    }
  io.set(0, narrow(x.dtype(), s.out(), out));
}
Maybe<RunFn> prepare_deform_conv(const OpCall& call, ExecEnv&) {
  return RunFn([a = DeformAttrs{read_window(call), attr<int64_t>(call, "group"), attr<int64_t>(call, "offset_group")}](KernelIo& io) {
    run_deform_conv(io, a);
  });
}

constexpr Kernel kKernels[] = {{"", "DeformConv", 19, kAnyVersion, prepare_deform_conv}};

}  // namespace

std::span<const Kernel> deform_conv_kernels() { return kKernels; }

}  // namespace onnxopt::ref
