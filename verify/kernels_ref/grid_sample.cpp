// GridSample of any number of spatial dims, and AffineGrid. Positions are computed in the grid's precision (16-bit types in float), as nearest and
// the borders depend on it; weights and sums are double.
#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/codes.h"
#include "verify/kernels_ref/families.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

enum class Sampling { nearest, linear, cubic };
enum class Padding { zeros, border, reflection };
struct GridAttrs {
  Sampling mode;
  Padding padding;
  bool align;
};

// Back and forth between the borders until within.
double reflect(double x, double low, double high) {
  const double range = high - low;
  if (range <= 0) return low;
  const double distance = x < low ? low - x : x - high;
  if (!(distance > 0)) return x;
  const double rest = std::fmod(distance, range);
  const bool from_low = (x < low) == (std::fmod(std::floor(distance / range), 2) == 0);
  return from_low ? low + rest : high - rest;
}

// One spatial axis of the input.
struct Axis {
  int64_t size;
  double low, high;  // borders: centers of the outer pixels or, unaligned, their outer edges
};

template <class T>
double denormalize(T n, int64_t size, bool align) {
  const T s = static_cast<T>(size);
  return static_cast<double>(align ? (n + 1) / 2 * (s - 1) : ((n + 1) * s - 1) / 2);
}

// The pixel that stands for index i; -1: none, its value is 0.
int64_t resolve(int64_t i, const Axis& a, Padding p) {
  if (i >= 0 && i < a.size) return i;
  if (p == Padding::zeros) return -1;
  if (p == Padding::border) return i < 0 ? 0 : a.size - 1;
  return std::clamp<int64_t>(static_cast<int64_t>(reflect(static_cast<double>(i), a.low, a.high)), 0, a.size - 1);
}

struct Tap {
  int64_t index;
  double weight;
};

void cubic_weights(double t, double* w) {
  constexpr double a = -0.75;
  const double s = 1 - t;
  w[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
  w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
  w[2] = ((a + 2) * s - (a + 3)) * s * s + 1;
  w[3] = ((a * (s + 1) - 5 * a) * (s + 1) + 8 * a) * (s + 1) - 4 * a;
}

// The pixels of one axis that position x draws from.
void axis_taps(double x, const Axis& a, const GridAttrs& g, std::vector<Tap>& taps) {
  taps.clear();
  if (g.mode == Sampling::nearest) x = std::nearbyint(x);
  if (x < a.low || x > a.high) {
    // Cubic keeps its weights and only its pixels are clamped: so PyTorch and ONNX Runtime have it; the reference evaluator clamps here too.
    if (g.padding == Padding::border && g.mode != Sampling::cubic) x = std::clamp(x, 0.0, static_cast<double>(a.size - 1));
    if (g.padding == Padding::reflection) x = reflect(x, a.low, a.high);
  }
  if (!(std::abs(x) <= 1e15)) x = x > 0 ? 1e15 : -1e15;  // infinite or NaN: far outside
  const double floor = std::floor(x);
  const auto base = static_cast<int64_t>(g.mode == Sampling::nearest ? std::trunc(x) : floor);
  double weights[4] = {1, 0, 0, 0};
  int64_t first = 0, count = 1;
  if (g.mode == Sampling::linear) {
    weights[1] = x - floor;
    weights[0] = 1 - weights[1];
    count = 2;
  } else if (g.mode == Sampling::cubic) {
    cubic_weights(x - floor, weights);
    first = -1;
    count = 4;
  }
  for (int64_t k = 0; k < count; ++k)
    if (const int64_t i = resolve(base + first + k, a, g.padding); i >= 0) taps.push_back({i, weights[k]});
}

// Output position i of image n: the pixels of a plane with their weights.
class Sampler {
 public:
  Sampler(const Tensor& x, const Tensor& grid, const GridAttrs& g) : attrs_(g), wide_(grid.dtype() == DType::float64) {
    const std::size_t r = x.dims().size() - 2;
    for (std::size_t d = 0; d < r; ++d) {
      const int64_t size = x.dims()[d + 2];
      const auto last = static_cast<double>(size - 1);
      axes_.push_back(g.align ? Axis{size, 0, last} : Axis{size, -0.5, last + 0.5});
    }
    if (wide_) doubles_ = widen<double>(grid);
    else floats_ = widen<float>(grid);
  }
  void taps(int64_t position, std::vector<Tap>& out) const {
    out.assign(1, {0, 1});
    const std::size_t r = axes_.size();
    std::vector<Tap> line, joined;
    for (std::size_t d = 0; d < r; ++d) {
      const std::size_t c = at(position) * r + (r - 1 - d);  // coordinates stand in reverse: the last dim first
      axis_taps(wide_ ? denormalize(doubles_[c], axes_[d].size, attrs_.align) : denormalize(floats_[c], axes_[d].size, attrs_.align), axes_[d],
                attrs_, line);
      joined.clear();
      for (const Tap& a : out)
        for (const Tap& b : line) joined.push_back({a.index * axes_[d].size + b.index, a.weight * b.weight});
      out.swap(joined);
    }
  }

 private:
  GridAttrs attrs_;
  bool wide_;
  std::vector<Axis> axes_;
  std::vector<double> doubles_;
  std::vector<float> floats_;
};

// visit(image, position, taps) for all positions, on threads.
template <class F>
void for_positions(const Sampler& sampler, int64_t images, int64_t positions, double cost, F visit) {
  parallel_for(images * positions, cost, [&](int64_t from, int64_t to) {
    std::vector<Tap> taps;
    for (int64_t i = from; i < to; ++i) {
      sampler.taps(i, taps);
      visit(i / positions, i % positions, taps);
    }
  });
}

template <class C>
Tensor sample(const Tensor& x, const Sampler& sampler, const Dims& out_dims) {
  const std::vector<C> in = widen<C>(x);
  std::vector<C> out(at(element_count(out_dims)));
  const int64_t channels = x.dims()[1], plane = product(x.dims(), 2), positions = product(out_dims, 2);
  for_positions(sampler, x.dims()[0], positions, 300 + 20.0 * static_cast<double>(channels), [&](int64_t n, int64_t p, const std::vector<Tap>& taps) {
    for (int64_t c = 0; c < channels; ++c) {
      C sum{};
      for (const Tap& t : taps) sum += t.weight * in[at((n * channels + c) * plane + t.index)];
      out[at((n * channels + c) * positions + p)] = sum;
    }
  });
  return narrow(x.dtype(), out_dims, out);
}

// Nearest moves elements and never computes with them.
Tensor pick(const Tensor& x, const Sampler& sampler, const Dims& out_dims) {
  Codes codes(x.dtype());
  const std::byte* in = codes.add(x);
  const auto zero = codes.zero();
  std::byte* out = codes.make(out_dims);
  const std::size_t size = codes.size();
  const int64_t channels = x.dims()[1], plane = product(x.dims(), 2), positions = product(out_dims, 2);
  for_positions(sampler, x.dims()[0], positions, 300 + 5.0 * static_cast<double>(channels), [&](int64_t n, int64_t p, const std::vector<Tap>& taps) {
    for (int64_t c = 0; c < channels; ++c) {
      const std::byte* from = taps.empty() ? zero.data() : in + at((n * channels + c) * plane + taps[0].index) * size;
      std::memcpy(out + at((n * channels + c) * positions + p) * size, from, size);
    }
  });
  return codes.finish();
}

void run_grid_sample(KernelIo& io, const GridAttrs& g) {
  const Tensor &x = io.in(0), &grid = io.in(1);
  const int64_t rank = x.rank();
  if (rank < 3 || grid.rank() != rank || grid.dims()[0] != x.dims()[0] || grid.dims().back() != rank - 2)
    bad_input(fmt::format("X {}, grid {}", dims_text(x.dims()), dims_text(grid.dims())));
  Dims out_dims{x.dims()[0], x.dims()[1]};
  out_dims.insert(out_dims.end(), grid.dims().begin() + 1, grid.dims().end() - 1);
  if (element_count(out_dims) > 0 && product(x.dims(), 2) == 0) bad_input(fmt::format("nothing to sample in {}", dims_text(x.dims())));
  const Sampler sampler(x, grid, g);
  if (g.mode == Sampling::nearest) return io.set(0, pick(x, sampler, out_dims));
  if (x.dtype() == DType::string) bad_input("strings can only be sampled with mode \"nearest\"");
  io.set(0, is_complex(x.dtype()) ? sample<std::complex<double>>(x, sampler, out_dims) : sample<double>(x, sampler, out_dims));
}
Maybe<RunFn> prepare_grid_sample(const OpCall& call, ExecEnv&) {
  const std::string mode = attr<std::string>(call, "mode"), padding = attr<std::string>(call, "padding_mode");
  const bool old = call.op->since < 20;  // version 20 renamed the modes
  GridAttrs g{};
  if (mode == "nearest") g.mode = Sampling::nearest;
  else if (mode == (old ? "bilinear" : "linear")) g.mode = Sampling::linear;
  else if (mode == (old ? "bicubic" : "cubic")) g.mode = Sampling::cubic;
  else bad_input(fmt::format("attribute 'mode' is \"{}\"", mode));
  if (padding == "zeros") g.padding = Padding::zeros;
  else if (padding == "border") g.padding = Padding::border;
  else if (padding == "reflection") g.padding = Padding::reflection;
  else bad_input(fmt::format("attribute 'padding_mode' is \"{}\"", padding));
  g.align = attr<int64_t>(call, "align_corners") != 0;
  return RunFn([g](KernelIo& io) { run_grid_sample(io, g); });
}

// ---- AffineGrid: theta [N, r, r + 1] applied to evenly spaced positions (x, y, z, 1)
double grid_position(int64_t i, int64_t size, bool align) {
  const auto n = static_cast<double>(size), k = static_cast<double>(i);
  if (align) return size == 1 ? 1 : -1 + k * (2 / (n - 1));
  return -1 + (2 * k + 1) / n;
}
Maybe<RunFn> prepare_affine_grid(const OpCall& call, ExecEnv& env) {
  return RunFn([align = attr<int64_t>(call, "align_corners") != 0, folding = env.folding](KernelIo& io) {
    const Tensor& theta = io.in(0);
    const Ints size = ints_of(io.in(1));
    const auto rank = static_cast<int64_t>(size.size()) - 2;
    if ((rank != 2 && rank != 3) || theta.dims() != Dims{size[0], rank, rank + 1})
      bad_input(fmt::format("theta {} for a size of {} elements", dims_text(theta.dims()), size.size()));
    const Dims space(size.begin() + 2, size.end());
    // One position that is both corners: ONNX Runtime takes 1, PyTorch 0, the function body divides by zero.
    if (folding && align && std::count(space.begin(), space.end(), 1) > 0) bad_input("aligned corners of an axis of one position are not defined");
    Dims out_dims{size[0]};
    out_dims.insert(out_dims.end(), space.begin(), space.end());
    out_dims.push_back(rank);
    const std::vector<double> t = widen<double>(theta);
    std::vector<double> out(at(element_count(out_dims)));
    const int64_t positions = element_count(space);
    for (int64_t n = 0; n < size[0]; ++n)
      for (int64_t p = 0; p < positions; ++p) {
        double v[4] = {};
        int64_t rest = p;
        for (int64_t d = rank - 1; d >= 0; rest /= space[at(d)], --d) v[rank - 1 - d] = grid_position(rest % space[at(d)], space[at(d)], align);
        v[rank] = 1;
        for (int64_t i = 0; i < rank; ++i)
          for (int64_t j = 0; j <= rank; ++j) out[at((n * positions + p) * rank + i)] += t[at((n * rank + i) * (rank + 1) + j)] * v[j];
      }
    io.set(0, narrow(theta.dtype(), out_dims, out));
  });
}

constexpr Kernel kKernels[] = {
    {"", "GridSample", 16, kAnyVersion, prepare_grid_sample},
    {"", "AffineGrid", 20, kAnyVersion, prepare_affine_grid},
};

}  // namespace

std::span<const Kernel> grid_kernels() { return kKernels; }

}  // namespace onnxopt::ref
