// NonMaxSuppression, RoiAlign, MaxRoiPool. Coordinates are computed in the precision of their type (16-bit types in float): comparisons and roundings
// of coordinates decide which elements count, so a wider type would give other answers.
#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// ---- NonMaxSuppression: boxes [batch, n, 4], scores [batch, classes, n], max_output?, iou_threshold?, score_threshold?
struct Box {
  float x0, y0, x1, y1;
  float area() const { return (x1 - x0) * (y1 - y0); }
};
Box read_box(const float* v, bool center) {
  if (center) return {v[0] - v[2] / 2, v[1] - v[3] / 2, v[0] + v[2] / 2, v[1] + v[3] / 2};
  return {std::min(v[1], v[3]), std::min(v[0], v[2]), std::max(v[1], v[3]), std::max(v[0], v[2])};
}
bool overlap(const Box& a, const Box& b, float threshold) {
  const float x0 = std::max(a.x0, b.x0), x1 = std::min(a.x1, b.x1), y0 = std::max(a.y0, b.y0), y1 = std::min(a.y1, b.y1);
  if (x1 <= x0 || y1 <= y0) return false;
  const float common = (x1 - x0) * (y1 - y0), all = a.area() + b.area() - common;
  if (common <= 0 || a.area() <= 0 || b.area() <= 0 || all <= 0) return false;
  return common / all > threshold;
}

// Candidates from the best score down, equal scores in order of the boxes, NaN last.
std::vector<int64_t> candidates(const float* scores, int64_t n, const float* threshold) {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < n; ++i)
    if (!threshold || scores[i] > *threshold) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    if (std::isnan(scores[a]) || std::isnan(scores[b])) return !std::isnan(scores[a]);
    return scores[a] > scores[b];
  });
  return order;
}

void run_nms(KernelIo& io, bool center) {
  const Tensor &boxes = io.in(0), &scores = io.in(1);
  if (boxes.rank() != 3 || boxes.dims()[2] != 4 || scores.rank() != 3 || scores.dims()[0] != boxes.dims()[0] || scores.dims()[2] != boxes.dims()[1])
    bad_input(fmt::format("boxes {}, scores {}", dims_text(boxes.dims()), dims_text(scores.dims())));
  const int64_t batch = boxes.dims()[0], n = boxes.dims()[1], classes = scores.dims()[1];
  const int64_t limit = io.has(2) ? scalar_of<int64_t>(io.in(2)) : 0;
  const float iou = io.has(3) ? scalar_of<float>(io.in(3)) : 0.0f, least = io.has(4) ? scalar_of<float>(io.in(4)) : 0.0f;
  if (!(iou >= 0 && iou <= 1)) bad_input(fmt::format("iou_threshold is {}, not within [0, 1]", iou));
  const FloatView b(boxes), s(scores);
  Ints selected;
  for (int64_t i = 0; i < batch; ++i)
    for (int64_t c = 0; c < classes && limit > 0; ++c) {
      std::vector<Box> kept;
      for (int64_t k : candidates(s.data + (i * classes + c) * n, n, io.has(4) ? &least : nullptr)) {
        const Box box = read_box(b.data + (i * n + k) * 4, center);
        if (std::any_of(kept.begin(), kept.end(), [&](const Box& other) { return overlap(box, other, iou); })) continue;
        kept.push_back(box);
        selected.insert(selected.end(), {i, c, k});
        if (static_cast<int64_t>(kept.size()) == limit) break;
      }
    }
  io.set(0, Tensor::of<int64_t>({static_cast<int64_t>(selected.size() / 3), 3}, selected));
}
Maybe<RunFn> prepare_nms(const OpCall& call, ExecEnv&) {
  const auto center = attr<int64_t>(call, "center_point_box");
  if (center != 0 && center != 1) bad_input(fmt::format("attribute 'center_point_box' is {}, not 0 or 1", center));
  return RunFn([center](KernelIo& io) { run_nms(io, center == 1); });
}

// ---- RoiAlign
struct RoiAlignAttrs {
  bool half_pixel, max;
  int64_t height, width, ratio;
  float scale;
};

// The sampling points of one axis of one region: two neighbours and the weight of the upper one; outside of the map a sample is 0.
struct Sample {
  bool inside;
  int64_t low, high;
  double upper;
};
template <class T>
std::vector<Sample> sample_axis(T begin, T end, int64_t bins, int64_t ratio, int64_t size, bool half_pixel, int64_t& grid) {
  T length = end - begin;
  if (!half_pixel) length = std::max(length, T(1));  // malformed regions count as one pixel
  const T bin = length / static_cast<T>(bins), points = std::ceil(bin);
  if (!(std::abs(points) <= T(1e6)) || !std::isfinite(begin)) bad_input(fmt::format("a region from {} to {}", begin, end));
  grid = ratio > 0 ? ratio : static_cast<int64_t>(points);
  std::vector<Sample> samples;
  for (int64_t p = 0; p < bins; ++p)
    for (int64_t i = 0; i < grid; ++i) {
      T v = begin + static_cast<T>(p) * bin + (static_cast<T>(i) + T(0.5)) * bin / static_cast<T>(grid);
      if (v < T(-1) || v > static_cast<T>(size)) {
        samples.push_back({false, 0, 0, 0});
        continue;
      }
      v = std::max(v, T(0));
      const auto low = static_cast<int64_t>(v);
      if (low >= size - 1) samples.push_back({true, size - 1, size - 1, 0});
      else samples.push_back({true, low, low + 1, static_cast<double>(v - static_cast<T>(low))});
    }
  return samples;
}

// One bin: its samples are rows x columns of the two axes.
double pool_bin(const double* plane, int64_t width, std::span<const Sample> rows, std::span<const Sample> columns, bool max) {
  double sum = 0, best = 0;
  bool first = true;
  for (const Sample& y : rows)
    for (const Sample& x : columns) {
      double v[4] = {};
      if (y.inside && x.inside) {
        v[0] = (1 - y.upper) * (1 - x.upper) * plane[y.low * width + x.low];
        v[1] = (1 - y.upper) * x.upper * plane[y.low * width + x.high];
        v[2] = y.upper * (1 - x.upper) * plane[y.high * width + x.low];
        v[3] = y.upper * x.upper * plane[y.high * width + x.high];
      }
      // The maximum is over the weighted neighbours, not over interpolated values: so the operator's tests and ONNX Runtime have it.
      const double top = std::max({v[0], v[1], v[2], v[3]});
      best = first ? top : std::max(best, top);
      first = false;
      sum += v[0] + v[1] + v[2] + v[3];
    }
  return max ? best : sum / static_cast<double>(std::max<std::size_t>(1, rows.size() * columns.size()));
}

template <class T>
void run_roi_align(KernelIo& io, const RoiAlignAttrs& a) {
  const Tensor &x = io.in(0), &regions = io.in(1);
  const Ints batch = ints_of(io.in(2));
  if (x.rank() != 4 || regions.rank() != 2 || regions.dims()[1] != 4 || io.in(2).rank() != 1 || io.in(2).size() != regions.dims()[0])
    bad_input(fmt::format("X {}, rois {}, batch_indices {}", dims_text(x.dims()), dims_text(regions.dims()), dims_text(io.in(2).dims())));
  const int64_t channels = x.dims()[1], height = x.dims()[2], width = x.dims()[3];
  if (height == 0 || width == 0) bad_input(fmt::format("X is {}", dims_text(x.dims())));
  const std::vector<T> rois = widen<T>(regions);
  const std::vector<double> in = widen<double>(x);
  const Dims out_dims{regions.dims()[0], channels, a.height, a.width};
  std::vector<double> out(at(element_count(out_dims)));
  const T shift = a.half_pixel ? T(0.5) : T(0), scale = static_cast<T>(a.scale);
  for (int64_t r = 0; r < out_dims[0]; ++r) {
    if (batch[at(r)] < 0 || batch[at(r)] >= x.dims()[0]) bad_input(fmt::format("batch index {} of {}", batch[at(r)], x.dims()[0]));
    const T* roi = rois.data() + r * 4;
    int64_t nx = 0, ny = 0;
    const auto columns = sample_axis(roi[0] * scale - shift, roi[2] * scale - shift, a.width, a.ratio, width, a.half_pixel, nx);
    const auto rows = sample_axis(roi[1] * scale - shift, roi[3] * scale - shift, a.height, a.ratio, height, a.half_pixel, ny);
    nx = std::max<int64_t>(nx, 0);
    ny = std::max<int64_t>(ny, 0);
    const double cost = 10.0 * static_cast<double>(rows.size() * columns.size());
    parallel_for(channels, cost, [&](int64_t from, int64_t to) {
      for (int64_t c = from; c < to; ++c)
        for (int64_t i = 0; i < a.height * a.width; ++i)
          out[at((r * channels + c) * a.height * a.width + i)] =
              pool_bin(in.data() + (batch[at(r)] * channels + c) * height * width, width, std::span(rows).subspan(at(i / a.width * ny), at(ny)),
                       std::span(columns).subspan(at(i % a.width * nx), at(nx)), a.max);
    });
  }
  io.set(0, narrow(x.dtype(), out_dims, out));
}
std::string lower_case(std::string s) {
  for (char& c : s) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return s;
}
Maybe<RunFn> prepare_roi_align(const OpCall& call, ExecEnv&) {
  const std::string mode = lower_case(attr<std::string>(call, "mode"));
  // The attribute came with version 16; before, nothing was shifted.
  const std::string coordinates = call.op->since < 16 ? "output_half_pixel" : lower_case(attr<std::string>(call, "coordinate_transformation_mode"));
  if (mode != "avg" && mode != "max") bad_input(fmt::format("attribute 'mode' is \"{}\"", mode));
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel")
    bad_input(fmt::format("attribute 'coordinate_transformation_mode' is \"{}\"", coordinates));
  const RoiAlignAttrs a{coordinates == "half_pixel",           mode == "max",
                        attr<int64_t>(call, "output_height"),  attr<int64_t>(call, "output_width"),
                        attr<int64_t>(call, "sampling_ratio"), attr<float>(call, "spatial_scale")};
  if (a.height < 1 || a.width < 1 || a.ratio < 0 || a.ratio > 1000000)
    bad_input(fmt::format("output {}x{}, sampling ratio {}", a.height, a.width, a.ratio));
  return RunFn([a](KernelIo& io) {
    if (io.in(0).dtype() == DType::float64) run_roi_align<double>(io, a);
    else run_roi_align<float>(io, a);
  });
}

// ---- MaxRoiPool: rois [n, 5] are batch, x1, y1, x2, y2 on a grid of whole pixels, ends included
struct Range {
  int64_t begin, end;
};
template <class T>
Range pool_range(T first, T last, int64_t bins, int64_t p, int64_t size) {
  const T begin = std::round(first), end = std::round(last);
  if (!(std::abs(begin) < T(1e9) && std::abs(end) < T(1e9))) bad_input(fmt::format("a region from {} to {}", first, last));
  const T bin = std::max(end - begin + 1, T(1)) / static_cast<T>(bins);
  const auto from = static_cast<int64_t>(std::floor(static_cast<T>(p) * bin) + begin);
  const auto to = static_cast<int64_t>(std::ceil(static_cast<T>(p + 1) * bin) + begin);
  return {std::clamp<int64_t>(from, 0, size), std::clamp<int64_t>(to, 0, size)};
}
template <class T>
void run_max_roi_pool(KernelIo& io, int64_t out_height, int64_t out_width, float stated_scale) {
  const Tensor &x = io.in(0), &regions = io.in(1);
  if (x.rank() != 4 || regions.rank() != 2 || regions.dims()[1] != 5)
    bad_input(fmt::format("X {}, rois {}", dims_text(x.dims()), dims_text(regions.dims())));
  const int64_t channels = x.dims()[1], height = x.dims()[2], width = x.dims()[3];
  const std::vector<T> rois = widen<T>(regions);
  const std::vector<double> in = widen<double>(x);
  const Dims out_dims{regions.dims()[0], channels, out_height, out_width};
  std::vector<double> out(at(element_count(out_dims)));
  const T scale = static_cast<T>(stated_scale);
  auto to = out.begin();
  for (int64_t r = 0; r < out_dims[0]; ++r) {
    const T* roi = rois.data() + r * 5;
    if (!(roi[0] >= 0 && roi[0] < static_cast<T>(x.dims()[0]))) bad_input(fmt::format("batch index {} of {}", roi[0], x.dims()[0]));
    for (int64_t c = 0; c < channels; ++c) {
      const double* plane = in.data() + (static_cast<int64_t>(roi[0]) * channels + c) * height * width;
      for (int64_t i = 0; i < out_height * out_width; ++i) {
        const Range h = pool_range(roi[2] * scale, roi[4] * scale, out_height, i / out_width, height);
        const Range w = pool_range(roi[1] * scale, roi[3] * scale, out_width, i % out_width, width);
        const bool empty = h.end <= h.begin || w.end <= w.begin;
        double best = empty ? 0 : plane[h.begin * width + w.begin];
        for (int64_t y = h.begin; y < h.end; ++y)
          for (int64_t k = w.begin; k < w.end; ++k) best = std::max(best, plane[y * width + k]);
        *to++ = best;
      }
    }
  }
  io.set(0, narrow(x.dtype(), out_dims, out));
}
Maybe<RunFn> prepare_max_roi_pool(const OpCall& call, ExecEnv&) {
  const Ints shape = attr<Ints>(call, "pooled_shape");
  if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1) bad_input("attribute 'pooled_shape' must be two positive numbers");
  return RunFn([shape, scale = attr<float>(call, "spatial_scale")](KernelIo& io) {
    if (io.in(0).dtype() == DType::float64) run_max_roi_pool<double>(io, shape[0], shape[1], scale);
    else run_max_roi_pool<float>(io, shape[0], shape[1], scale);
  });
}

constexpr Kernel kKernels[] = {
    {"", "NonMaxSuppression", 10, kAnyVersion, prepare_nms},
    {"", "RoiAlign", 10, kAnyVersion, prepare_roi_align},
    {"", "MaxRoiPool", 1, kAnyVersion, prepare_max_roi_pool},
};

}  // namespace

std::span<const Kernel> detection_kernels() { return kKernels; }

}  // namespace onnxopt::ref
