// Resize and Upsample: per axis a sparse matrix from input to output positions, applied axis by axis in double; nearest moves elements as they are.
#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/codes.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/lines.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct ResizeAttrs {
  std::string mode, coordinates, nearest, policy;
  bool antialias = false, exclude_outside = false;
  double cubic_a = -0.75, extrapolation = 0;
  Ints axes;
};

// How one axis is resized. `scale` is as given, or out / in; it need not equal the ratio of the rounded sizes.
struct AxisResize {
  int64_t in, out;
  double scale;
  double roi_start = 0, roi_end = 1;
};

double source_position(const ResizeAttrs& a, const AxisResize& r, int64_t i) {
  const auto x = static_cast<double>(i), in = static_cast<double>(r.in), width = r.scale * in;
  const std::string& mode = a.coordinates;
  if (mode == "half_pixel") return (x + 0.5) / r.scale - 0.5;
  if (mode == "asymmetric") return x / r.scale;
  if (mode == "align_corners") return width == 1 || r.out == 1 ? 0 : x * (in - 1) / (width - 1);
  if (mode == "pytorch_half_pixel") return width == 1 || r.out == 1 ? 0 : (x + 0.5) / r.scale - 0.5;
  if (mode == "half_pixel_symmetric") {
    const double adjustment = static_cast<double>(r.out) / width;
    return in / 2 * (1 - adjustment) + (x + 0.5) / r.scale - 0.5;
  }
  if (mode == "tf_half_pixel_for_nn") return (x + 0.5) / r.scale;
  if (mode == "tf_crop_and_resize") {
    if (r.out == 1) return (r.roi_end + r.roi_start) * (in - 1) / 2;
    return r.roi_start * (in - 1) + x * (r.roi_end - r.roi_start) * (in - 1) / (static_cast<double>(r.out) - 1);
  }
  bad_input("attribute 'coordinate_transformation_mode': unknown " + mode);
}

double cubic(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// Weights of `count` neighbours starting at `first`; `ratio` in (0, 1] is the distance to the neighbour left of the position.
struct Taps {
  int64_t first = 0;
  std::vector<double> weight;
};
Taps taps_of(const ResizeAttrs& a, const AxisResize& r, double x) {
  const auto left = static_cast<int64_t>(std::ceil(x)) - 1;  // an integral position prefers the neighbour on its left
  const double ratio = x - static_cast<double>(left), scale = a.antialias ? std::min(r.scale, 1.0) : 1.0;
  const double reach = (a.mode == "cubic" ? 2 : 1) / scale;
  const auto before = static_cast<int64_t>(std::floor(-reach)) + 1;
  const int64_t count = 2 - 2 * before;
  Taps t;
  t.first = left + before;
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double distance = (static_cast<double>(before + i) - ratio) * scale;
    double w = a.mode == "cubic" ? cubic(distance, a.cubic_a) : std::max(0.0, 1 - std::abs(distance));
    if (a.exclude_outside && (t.first + i < 0 || t.first + i >= r.in)) w = 0;
    t.weight.push_back(w);
    sum += w;
  }
  if (a.antialias || a.exclude_outside)
    for (double& w : t.weight) w /= sum;
  return t;
}

int64_t nearest_index(const ResizeAttrs& a, const AxisResize& r, double x) {
  const double floor = std::floor(x), rest = x - floor;
  if (rest == 0) return static_cast<int64_t>(x);
  bool up = false;
  if (a.nearest == "round_prefer_floor") up = rest > 0.5;
  else if (a.nearest == "round_prefer_ceil") up = rest >= 0.5;
  else if (a.nearest == "ceil") up = true;
  else if (a.nearest == "simple") up = r.scale < 1;  // Resize-10 and Upsample: down where the axis grows, up where it shrinks
  else if (a.nearest != "floor") bad_input("attribute 'nearest_mode': unknown " + a.nearest);
  return static_cast<int64_t>(floor) + up;
}

bool outside(const ResizeAttrs& a, const AxisResize& r, double x) {
  return a.coordinates == "tf_crop_and_resize" && (x < 0 || x > static_cast<double>(r.in - 1));
}

std::vector<double> resize_axis(const ResizeAttrs& a, const AxisResize& r, const std::vector<double>& v, const Dims& dims, int64_t axis) {
  const Lines from(dims, axis);
  std::vector<double> out(at(from.outer * r.out * from.inner));
  for (int64_t i = 0; i < r.out; ++i) {
    const double x = source_position(a, r, i);
    const bool beyond = outside(a, r, x);
    const Taps t = beyond ? Taps() : taps_of(a, r, x);
    for (int64_t o = 0; o < from.outer; ++o) {
      double* to = out.data() + (o * r.out + i) * from.inner;
      if (beyond) std::fill(to, to + from.inner, a.extrapolation);
      for (std::size_t k = 0; k < t.weight.size(); ++k) {
        if (t.weight[k] == 0) continue;
        const double* line = v.data() + (o * r.in + std::clamp<int64_t>(t.first + static_cast<int64_t>(k), 0, r.in - 1)) * from.inner;
        for (int64_t n = 0; n < from.inner; ++n) to[n] += t.weight[k] * line[n];
      }
    }
  }
  return out;
}

// Values are saturated to integer types, as onnx does.
Tensor round_to(DType t, const Dims& dims, std::vector<double>& v) {
  if (is_integer(t)) {
    const double low = lowest_value(t), high = highest_value(t);
    for (double& e : v) e = std::clamp(std::nearbyint(e), low, high);
  }
  return narrow(t, dims, v);
}

Tensor resize_nearest(const ResizeAttrs& a, const Tensor& x, const std::vector<AxisResize>& plan) {
  std::vector<Ints> maps;
  Dims out;
  for (const AxisResize& r : plan) {
    Ints map(at(r.out));
    for (int64_t i = 0; i < r.out; ++i) {
      const double p = r.in == r.out && r.scale == 1 && a.coordinates != "tf_crop_and_resize" ? static_cast<double>(i) : source_position(a, r, i);
      map[at(i)] = outside(a, r, p) ? -1 : std::clamp<int64_t>(nearest_index(a, r, p), 0, r.in - 1);
    }
    out.push_back(r.out);
    maps.push_back(std::move(map));
  }
  Codes codes(x.dtype());
  const std::byte* in = codes.add(x);
  const Tensor fill = x.dtype() == DType::string ? Tensor() : narrow<double>(x.dtype(), {}, {a.extrapolation});
  const std::byte* value = fill ? codes.add(fill) : nullptr;
  std::byte* to = codes.make(out);
  const Dims strides = strides_of(x.dims());
  const int64_t rows = product(out, 0, out.size() - 1), n = out.back();
  with_size(codes.size(), [&](auto width) {
    constexpr std::size_t kSize = decltype(width)::value;
    parallel_for(rows, 1.0 * static_cast<double>(n), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        int64_t base = 0;
        bool inside = true;
        for (std::size_t d = out.size() - 1, rest = at(row); d-- > 0; rest /= at(out[d])) {
          const int64_t from = maps[d][rest % at(out[d])];
          inside &= from >= 0;
          base += from * strides[d];
        }
        std::byte* line = to + at(row * n) * kSize;
        for (int64_t i = 0; i < n; ++i) {
          const int64_t from = maps.back()[at(i)];
          std::memcpy(line + at(i) * kSize, inside && from >= 0 ? in + at(base + from) * kSize : value, kSize);
        }
      }
    });
  });
  return codes.finish();
}

Tensor resize(const ResizeAttrs& a, const Tensor& x, const std::vector<AxisResize>& plan) {
  if (x.rank() == 0) return x;
  for (const AxisResize& r : plan)
    if (!(r.scale > 0) || r.out < 0 || (r.in == 0 && r.out != 0))
      bad_input(fmt::format("an axis of {} resized to {} (scale {})", r.in, r.out, r.scale));
  if (a.mode == "nearest") return resize_nearest(a, x, plan);
  if (a.mode != "linear" && a.mode != "cubic") bad_input("attribute 'mode': unknown " + a.mode);
  std::vector<double> v = widen<double>(x);
  Dims dims = x.dims();
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    const AxisResize& r = plan[at(axis)];
    if (r.in == r.out && r.scale == 1 && r.roi_start == 0 && r.roi_end == 1) continue;
    v = resize_axis(a, r, v, dims, axis);
    dims[at(axis)] = r.out;
  }
  return round_to(x.dtype(), dims, v);
}

// In float, the type of the scales, as runtimes and inference compute it: three times 5/3 is 5, where more digits of the scale give 4.99999988.
int64_t scaled_size(double scale, int64_t in, float plus) {
  const float size = std::floor(static_cast<float>(scale) * static_cast<float>(in) + plus);
  if (!(size >= 0 && size < 0x1p40F)) bad_input(fmt::format("scale {} of an axis of {}", scale, in));
  return static_cast<int64_t>(size);
}

std::vector<AxisResize> plan_axes(const ResizeAttrs& a, const Tensor& x, const Tensor* roi, const Tensor* scales, const Tensor* sizes) {
  std::vector<AxisResize> plan;
  for (int64_t d : x.dims()) plan.push_back({d, d, 1.0});
  Ints axes = a.axes;
  if (axes.empty())
    for (int64_t d = 0; d < x.rank(); ++d) axes.push_back(d);
  const std::size_t n = axes.size();
  const auto expect = [&](const Tensor& t, std::size_t count, const char* name) {
    if (at(t.size()) != count) bad_input(fmt::format("{} has {} entries, not {}", name, t.size(), count));
  };
  if (a.coordinates == "tf_crop_and_resize" && roi && roi->size() != 0) {
    expect(*roi, 2 * n, "roi");
    const auto v = widen<double>(*roi);
    for (std::size_t i = 0; i < n; ++i)
      plan[at(normalize_axis(axes[i], x.rank()))].roi_start = v[i], plan[at(normalize_axis(axes[i], x.rank()))].roi_end = v[i + n];
  }
  if (scales) {
    expect(*scales, n, "scales");
    const auto v = widen<double>(*scales);
    for (std::size_t i = 0; i < n; ++i) {
      AxisResize& r = plan[at(normalize_axis(axes[i], x.rank()))];
      r.scale = v[i];
      r.out = scaled_size(v[i], r.in, 0);
    }
    return plan;
  }
  expect(*sizes, n, "sizes");
  const Ints wanted = ints_of(*sizes);
  double common = 0;
  for (std::size_t i = 0; i < n; ++i) {
    AxisResize& r = plan[at(normalize_axis(axes[i], x.rank()))];
    r.out = wanted[i];
    r.scale = static_cast<double>(r.out) / static_cast<double>(r.in);
    common = i == 0 ? r.scale : a.policy == "not_larger" ? std::min(common, r.scale) : std::max(common, r.scale);
  }
  if (a.policy == "not_larger" || a.policy == "not_smaller")
    for (int64_t axis : axes) {
      AxisResize& r = plan[at(normalize_axis(axis, x.rank()))];
      r.scale = common;
      r.out = scaled_size(common, r.in, 0.5F);
    }
  else if (a.policy != "stretch") bad_input("attribute 'keep_aspect_ratio_policy': unknown " + a.policy);
  return plan;
}

Maybe<RunFn> prepare_resize(const OpCall& call, ExecEnv&) {
  ResizeAttrs a;
  a.mode = attr_or<std::string>(call, "mode", "nearest");
  a.coordinates = attr_or<std::string>(call, "coordinate_transformation_mode", "half_pixel");
  a.nearest = attr_or<std::string>(call, "nearest_mode", "round_prefer_floor");
  a.policy = attr_or<std::string>(call, "keep_aspect_ratio_policy", "stretch");
  a.antialias = attr_or<int64_t>(call, "antialias", 0) != 0;
  a.exclude_outside = attr_or<int64_t>(call, "exclude_outside", 0) != 0;
  a.cubic_a = attr_or<float>(call, "cubic_coeff_a", -0.75f);
  a.extrapolation = attr_or<float>(call, "extrapolation_value", 0);
  a.axes = attr_or<Ints>(call, "axes", {});
  return RunFn([a](KernelIo& io) {
    const bool has_scales = io.has(2) && io.in(2).size() != 0, has_sizes = io.has(3) && io.in(3).size() != 0;
    if (io.in(0).rank() == 0 && a.axes.empty() && !has_scales && !has_sizes) return io.set(0, io.in(0));
    if (has_scales == has_sizes) bad_input("exactly one of scales and sizes must be given");
    const auto plan = plan_axes(a, io.in(0), io.has(1) ? &io.in(1) : nullptr, has_scales ? &io.in(2) : nullptr, has_sizes ? &io.in(3) : nullptr);
    io.set(0, resize(a, io.in(0), plan));
  });
}

// Resize-10 and Upsample: scales only, asymmetric coordinates.
Maybe<RunFn> prepare_upsample(const OpCall& call, ExecEnv&) {
  ResizeAttrs a;
  a.mode = attr_or<std::string>(call, "mode", "nearest");
  if (a.mode == "bilinear" || a.mode == "trilinear") a.mode = "linear";
  a.coordinates = "asymmetric";
  a.nearest = "simple";
  a.policy = "stretch";
  return RunFn([a, stated = attr_or<Floats>(call, "scales", {})](KernelIo& io) {
    const Tensor scales = io.has(1) ? io.in(1) : Tensor::of<float>({static_cast<int64_t>(stated.size())}, stated);
    io.set(0, resize(a, io.in(0), plan_axes(a, io.in(0), nullptr, &scales, nullptr)));
  });
}

constexpr Kernel kKernels[] = {
    {"", "Resize", 10, 10, prepare_upsample},
    {"", "Resize", 11, kAnyVersion, prepare_resize},
    {"", "Upsample", 7, kAnyVersion, prepare_upsample},
};

}  // namespace

std::span<const Kernel> resize_kernels() { return kKernels; }

}  // namespace onnxopt::ref
