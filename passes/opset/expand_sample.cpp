// Sampling between pixels: GridSample, DeformConv, RoiAlign; and Col2Im, all through Gather of flat indices.
#include <cmath>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

// An image as rows of channels: one row a pixel, batches one after the other. A frame of zeros around it answers for what lies outside.
struct Pixels {
  Value* rows = nullptr;    // [batch * pixels, channels]
  std::vector<Index> size;  // of the image, without the frame
  std::int64_t frame = 0;
};

Pixels pixels_of(Expansion& e, Value* x, bool framed) {
  Pixels p;
  std::vector<Index> d = dims_of(e, x);
  const std::size_t k = d.size() - 2;
  p.size.assign(d.begin() + 2, d.end());
  p.frame = framed ? 1 : 0;
  if (framed) {
    Ints pads(2 * d.size(), 0);
    for (std::size_t i = 0; i < k; ++i) pads[2 + i] = pads[d.size() + 2 + i] = 1;
    x = e.op("Pad", {x, e.ints(pads, "pads")});
  }
  Ints perm{0};
  for (std::size_t i = 0; i < k; ++i) perm.push_back(static_cast<std::int64_t>(i) + 2);
  perm.push_back(1);
  p.rows = e.op("Reshape", {e.transpose(x, perm), vector_of(e, {Index(-1), d[1]})});
  return p;
}

Value* number(Expansion& e, const Index& i, DType t) { return i.number ? e.scalar(t, static_cast<double>(*i.number)) : e.cast(i.value, t); }

Value* clamp(Expansion& e, Value* x, double low, const Index& high, double more) {
  const DType t = Expansion::dtype_of_value(x);
  if (high.number) return e.op("Clip", {x, e.scalar(t, low), e.scalar(t, std::max(low, static_cast<double>(*high.number) + more))});
  Value* top = e.add(number(e, high, t), e.scalar(t, more));
  return e.op("Max", {e.op("Min", {x, top}), e.scalar(t, low)});
}

// One of the neighbours of a point along an axis: its whole coordinate, and what it counts (null: all).
struct Tap {
  Value *at, *weight;
};

// Rows at whole coordinates, one an axis, each [n, points]; batch [n, 1] or [n, points]: its number. Coordinates outside are taken to the frame.
Value* rows_at(Expansion& e, const Pixels& p, const std::vector<Value*>& at, Value* batch) {
  Value* flat = batch;
  for (std::size_t k = 0; k < at.size(); ++k) {
    const auto frame = static_cast<double>(p.frame);
    Value* inside = clamp(e, at[k], -frame, p.size[k], frame - 1);
    Value* i = e.cast(inside, DType::int64);
    if (p.frame != 0) i = e.add(i, e.index(p.frame));
    flat = e.add(e.mul(flat, vector_of(e, add(e, p.size[k], 2 * p.frame))), i);
  }
  return e.op("Gather", {p.rows, flat}, {{"axis", std::int64_t{0}}});  // [n, points, channels]
}

// Sum over all combinations of taps: [n, points, channels].
Value* blended(Expansion& e, const Pixels& p, const std::vector<std::vector<Tap>>& taps, Value* batch) {
  Value* sum = nullptr;
  std::vector<std::size_t> pick(taps.size(), 0);
  for (bool more = true; more;) {
    std::vector<Value*> at;
    Value* weight = nullptr;
    for (std::size_t k = 0; k < taps.size(); ++k) {
      const Tap& tap = taps[k][pick[k]];
      at.push_back(tap.at);
      if (tap.weight) weight = weight ? e.mul(weight, tap.weight) : tap.weight;
    }
    Value* part = rows_at(e, p, at, batch);
    if (weight) part = e.mul(part, e.unsqueeze(weight, {2}));
    sum = sum ? e.add(sum, part) : part;
    more = false;
    for (std::size_t k = taps.size(); k-- > 0 && !more;) {
      pick[k] = (pick[k] + 1) % taps[k].size();
      more = pick[k] != 0;
    }
  }
  return sum;
}

std::vector<Tap> linear_taps(Expansion& e, Value* x) {
  const DType t = Expansion::dtype_of_value(x);
  Value* low = e.op("Floor", {x});
  Value* rest = e.sub(x, low);
  return {{low, e.sub(e.scalar(t, 1), rest)}, {e.add(low, e.scalar(t, 1)), rest}};
}

std::vector<Tap> cubic_taps(Expansion& e, Value* x) {
  const DType t = Expansion::dtype_of_value(x);
  constexpr double a = -0.75;
  const auto c = [&](double v) { return e.scalar(t, v); };
  Value* low = e.op("Floor", {x});
  Value* rest = e.sub(x, low);
  const auto near = [&](Value* d) { return e.add(e.mul(e.mul(e.sub(e.mul(d, c(a + 2)), c(a + 3)), d), d), c(1)); };
  const auto far = [&](Value* d) { return e.sub(e.mul(e.add(e.mul(e.sub(e.mul(d, c(a)), c(5 * a)), d), c(8 * a)), d), c(4 * a)); };
  return {{e.sub(low, c(1)), far(e.add(rest, c(1)))},
          {low, near(rest)},
          {e.add(low, c(1)), near(e.sub(c(1), rest))},
          {e.add(low, c(2)), far(e.sub(c(2), rest))}};
}

// Back and forth between the borders: of pixel centers, or of the pixels' edges.
Value* reflected(Expansion& e, Value* x, const Index& size, bool corners) {
  const DType t = Expansion::dtype_of_value(x);
  const auto c = [&](double v) { return e.scalar(t, v); };
  const double low = corners ? 0 : -0.5;
  Value* span = number(e, corners ? max(e, sub(e, size, 1), 1) : size, t);
  Value* from = e.op("Abs", {corners ? x : e.sub(x, c(low))});
  Value* turn = e.mul(span, c(2));
  Value* rest = e.sub(from, e.mul(e.op("Floor", {e.div(from, turn)}), turn));
  Value* y = e.sub(span, e.op("Abs", {e.sub(rest, span)}));
  return corners ? y : e.add(y, c(low));
}

struct Sampling {
  std::string mode, padding;
  bool corners = false;
};

// A coordinate of [-1, 1] in pixels, and what it takes from its neighbours.
std::vector<Tap> grid_taps(Expansion& e, const Sampling& s, Value* x, const Index& size) {
  const DType t = Expansion::dtype_of_value(x);
  const auto c = [&](double v) { return e.scalar(t, v); };
  Value* wide = number(e, size, t);
  x = e.add(x, c(1));
  x = s.corners ? e.mul(e.div(x, c(2)), e.sub(wide, c(1))) : e.div(e.sub(e.mul(x, wide), c(1)), c(2));
  if (s.mode == "nearest") x = e.op("Round", {x});
  if (s.padding == "reflection") {
    x = reflected(e, x, size, s.corners);
  } else if (s.padding == "border" && s.mode == "cubic") {  // only what lies outside is moved, and with it all its neighbours
    const double edge = s.corners ? 0 : 0.5;
    Value* beyond = e.op("Or", {e.op("Less", {x, c(-edge)}), e.op("Greater", {x, e.add(wide, c(edge - 1))})});
    x = e.op("Where", {beyond, clamp(e, x, 0, size, -1), x});
  }
  std::vector<Tap> taps = s.mode == "nearest" ? std::vector<Tap>{{x, nullptr}} : s.mode == "cubic" ? cubic_taps(e, x) : linear_taps(e, x);
  if (s.padding == "reflection" && s.mode != "nearest")
    for (Tap& tap : taps) tap.at = e.op("Round", {reflected(e, tap.at, size, s.corners)});
  return taps;
}

}  // namespace

std::string grid_sample(Expansion& e) {
  const auto rank = e.rank(0);
  Sampling s{e.text("mode", "linear"), e.text("padding_mode", "zeros"), e.integer("align_corners", 0) != 0};
  if (s.mode != "nearest" && s.mode != "linear" && s.mode != "cubic") return "a mode that GridSample does not have";
  const DType t = e.dtype(0), g = e.dtype(1);
  if (!rank || *rank < 3 || e.rank(1) != rank) return "the rank of the input is not known";
  const auto plain = [](DType d) { return d == DType::float32 || d == DType::float64 || d == DType::float16 || d == DType::bfloat16; };
  if (!plain(g) || t == DType::undefined || (s.mode != "nearest" && !plain(t))) return "type: GridSample of this type";
  if (s.mode == "cubic" && *rank != 4) return "no decomposition: cubic of this rank";
  const std::int64_t k = *rank - 2;
  const DType way = t == DType::float64 || g == DType::float64 ? DType::float64 : DType::float32;
  const Pixels p = pixels_of(e, s.mode == "nearest" ? e.in(0) : e.cast(e.in(0), way), s.padding == "zeros");
  const std::vector<Index> grid = dims_of(e, e.in(1));
  Value* points = e.op("Reshape", {e.cast(e.in(1), way), vector_of(e, {grid[0], product(e, {grid.begin() + 1, grid.end() - 1}), Index(k)})});
  std::vector<std::vector<Tap>> taps;
  for (std::int64_t i = 0; i < k; ++i) {  // x is the last axis
    Value* one = e.op("Gather", {points, e.index(k - 1 - i)}, {{"axis", std::int64_t{2}}});
    taps.push_back(grid_taps(e, s, one, p.size[static_cast<std::size_t>(i)]));
  }
  Value* batch = e.unsqueeze(range(e, 0, grid[0]), {1});
  Value* y = e.cast(e.transpose(blended(e, p, taps, batch), {0, 2, 1}), t);
  std::vector<Index> to{grid[0], dim_of(e, e.in(0), 1)};
  to.insert(to.end(), grid.begin() + 1, grid.end() - 1);
  e.result(0, e.op("Reshape", {y, vector_of(e, to)}));
  return "";
}

// The places that a kernel looks at are moved, and read between pixels; then it is a product.
std::string deform_conv(Expansion& e) {
  const Shape *x = e.shape(0), *w = e.shape(1);
  const DType t = e.dtype(0), way = t == DType::float64 ? t : DType::float32;
  if (!x || !w || e.rank(2) != 4 || (e.has(4) && e.rank(4) != 4)) return "the shape of the input is not known";
  if (x->size() != 4 || w->size() != 4) return "no decomposition: DeformConv of other than 2 dimensions";
  if (t != DType::float32 && t != DType::float64 && t != DType::float16 && t != DType::bfloat16) return "type: DeformConv of this type";
  Ints sizes;
  for (const Dim& d : *w)
    if (d.is_value()) sizes.push_back(d.value());
  if (sizes.size() != 4) return "the shape of the weight is not known";
  const std::int64_t m = sizes[0], kh = sizes[2], kw = sizes[3], kernel = kh * kw, groups = e.integer("group", 1);
  const std::int64_t channels = sizes[1] * groups, shared = e.integer("offset_group", 1);
  const auto list = [&](std::string_view name, std::size_t n, std::int64_t otherwise) {
    const Ints* v = e.integers(name);
    return v && v->size() == n ? *v : Ints(n, otherwise);
  };
  const Ints strides = list("strides", 2, 1), dilations = list("dilations", 2, 1), pads = list("pads", 4, 0);
  if (groups < 1 || shared < 1 || channels % shared != 0 || m % groups != 0) return "no decomposition: these groups";
  const Index n = dim_of(e, e.in(0), 0), oh = dim_of(e, e.in(2), 2), ow = dim_of(e, e.in(2), 3), h = dim_of(e, e.in(0), 2),
              wide = dim_of(e, e.in(0), 3);
  const Index lines = mul(e, n, shared), points = product(e, {Index(kernel), oh, ow});
  Value* image = e.op("Reshape", {e.cast(e.in(0), way), vector_of(e, {lines, Index(channels / shared), h, wide})});
  const Pixels p = pixels_of(e, image, true);
  Value* offset = e.op("Reshape", {e.cast(e.in(2), way), vector_of(e, {lines, Index(kernel), Index(2), oh, ow})});
  std::vector<std::vector<Tap>> taps;
  for (std::size_t k = 0; k < 2; ++k) {
    std::vector<float> start;
    for (std::int64_t i = 0; i < kernel; ++i) start.push_back(static_cast<float>((k == 0 ? i / kw : i % kw) * dilations[k] - pads[k]));
    Value* step = e.mul(e.cast(range(e, 0, k == 0 ? oh : ow), way), e.scalar(way, static_cast<double>(strides[k])));
    Value* base =
        e.add(e.cast(e.tensor(Tensor::of<float>({kernel, 1, 1}, start), "start"), way), e.reshape(step, k == 0 ? Ints{-1, 1} : Ints{1, -1}));
    Value* at = e.add(e.op("Gather", {offset, e.index(static_cast<std::int64_t>(k))}, {{"axis", std::int64_t{2}}}), base);
    taps.push_back(linear_taps(e, e.op("Reshape", {at, vector_of(e, {lines, points})})));
  }
  Value* y = blended(e, p, taps, e.unsqueeze(range(e, 0, lines), {1}));  // [lines, points, channels of a line]
  if (e.has(4)) y = e.mul(y, e.op("Reshape", {e.cast(e.in(4), way), vector_of(e, {lines, points, Index(1)})}));
  const Index places = mul(e, oh, ow);
  y = e.transpose(y, {0, 2, 1});
  y = e.op("Reshape", {y, vector_of(e, {n, Index(groups), Index(sizes[1] * kernel), places})});
  y = e.op("MatMul", {e.reshape(e.cast(e.in(1), way), {groups, m / groups, sizes[1] * kernel}), y});
  y = e.op("Reshape", {y, vector_of(e, {n, Index(m), oh, ow})});
  if (e.has(3)) y = e.add(y, e.reshape(e.cast(e.in(3), way), {m, 1, 1}));
  e.result(0, e.cast(y, t));
  return "";
}

namespace {

// The sampling points of one axis of all regions, [regions, bins * samples]: pixels, and whether they lie on the image at all. Where a region has
// fewer samples than there is room for, the last of them stands several times.
struct RoiAxis {
  std::vector<Tap> taps;
  Value* inside;
  std::int64_t bins;
  Index samples;
  Value *counts = nullptr, *counted = nullptr;  // [regions, 1] how many, and bool [regions, bins * samples] which are: of regions that differ in that
};

// Float [1, bins * samples]: the number of the bin, and of the sample in it.
std::pair<Value*, Value*> bins_and_samples(Expansion& e, std::int64_t bins, const Index& samples, DType t) {
  Value* all = range(e, 0, mul(e, Index(bins), samples));
  Value* bin = e.div(all, vector_of(e, samples));
  Value* sample = e.sub(all, e.mul(bin, vector_of(e, samples)));
  return {e.unsqueeze(e.cast(bin, t), {0}), e.unsqueeze(e.cast(sample, t), {0})};
}

RoiAxis roi_axis(Expansion& e, Value* rois, std::int64_t first, std::int64_t bins, std::int64_t samples, const Index& size) {
  const DType t = Expansion::dtype_of_value(rois);
  const auto c = [&](double v) { return e.scalar(t, v); };
  const bool half = e.text("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const auto edge = [&](std::int64_t i) {
    Value* v = e.mul(e.slice(rois, i, i + 1, 1), c(e.real("spatial_scale", 1)));
    return half ? e.sub(v, c(0.5)) : v;
  };
  Value* from = edge(first);
  Value* length = e.sub(edge(first + 2), from);
  if (!half) length = e.op("Max", {length, c(1)});
  Value* unit = e.div(length, c(static_cast<double>(bins)));
  RoiAxis axis{{}, nullptr, bins, samples};
  Value* at;
  if (samples > 0) {
    std::vector<float> places;
    for (std::int64_t i = 0; i < bins * samples; ++i) places.push_back((static_cast<float>(i) + 0.5f) / static_cast<float>(samples));
    at = e.add(from, e.mul(unit, e.cast(e.tensor(Tensor::of<float>({1, bins * samples}, places), "places"), t)));
  } else {  // as many as a bin is wide, in each region
    axis.counts = e.op("Relu", {e.op("Ceil", {unit})});
    Value* one = e.reshape(c(1), {1, 1});
    Value* most = e.reduce("ReduceMax", e.concat({axis.counts, one}, 0), {0, 1}, false);
    axis.samples = Index(e.reshape(e.cast(most, DType::int64), {1}));
    const auto [bin, sample] = bins_and_samples(e, bins, axis.samples, t);
    axis.counted = e.op("Less", {sample, axis.counts});
    Value* last = e.sub(axis.counts, c(1));
    Value* beyond = e.op("Relu", {e.sub(sample, last)});
    Value* shares = e.add(axis.counts, e.cast(e.op("Less", {axis.counts, c(1)}), t));  // not by zero
    Value* place = e.add(bin, e.div(e.add(e.sub(sample, beyond), c(0.5)), shares));
    at = e.add(from, e.mul(unit, place));
  }
  Value* wide = number(e, size, t);
  Value* outside = e.op("Or", {e.op("Less", {at, c(-1)}), e.op("Greater", {at, wide})});
  axis.taps = linear_taps(e, clamp(e, at, 0, size, -1));
  axis.inside = e.cast(e.op("Not", {outside}), t);
  return axis;
}

// Of [regions, oh, samples, ow, samples, channels] the mean or maximum over the samples that there are.
Value* pooled(Expansion& e, const RoiAxis& y, const RoiAxis& x, Value* value, bool average, DType way) {
  if (!y.counts) return e.reduce(average ? "ReduceMean" : "ReduceMax", value, {2, 4}, false);
  const auto on = [&](Value* v, const RoiAxis& a, bool down) {
    return e.op("Reshape",
                {v, vector_of(e, down ? std::vector<Index>{-1, a.bins, a.samples, 1, 1, 1} : std::vector<Index>{-1, 1, 1, a.bins, a.samples, 1})});
  };
  Value* some = e.op("And", {on(y.counted, y, true), on(x.counted, x, false)});
  const auto c = [&](double v) { return e.scalar(way, v); };
  if (average) {
    Value* count = e.op("Max", {e.mul(y.counts, x.counts), e.reshape(c(1), {1, 1})});
    Value* sum = e.reduce("ReduceSum", e.op("Where", {some, value, c(0)}), {2, 4}, false);
    return e.div(sum, e.reshape(count, {-1, 1, 1, 1}));
  }
  Value* any = e.op("Greater", {e.mul(y.counts, x.counts), c(0)});
  return e.op("Where", {e.reshape(any, {-1, 1, 1, 1}), e.reduce("ReduceMax", value, {2, 4}, false), c(0)});
}

}  // namespace

// Regions are sampled between pixels, each bin at sampling_ratio^2 points.
std::string roi_align(Expansion& e) {
  const DType t = e.dtype(0), way = t == DType::float64 ? t : DType::float32;
  const std::int64_t samples = e.integer("sampling_ratio", 0), oh = e.integer("output_height", 1), ow = e.integer("output_width", 1);
  const bool average = e.text("mode", "avg") == "avg";
  if (e.rank(0) != 4) return "the rank of the input is not known";
  if (t != DType::float32 && t != DType::float64 && t != DType::float16) return "type: RoiAlign of this type";
  const Pixels p = pixels_of(e, e.cast(e.in(0), way), false);
  Value* rois = e.cast(e.in(1), way);
  const RoiAxis y = roi_axis(e, rois, 1, oh, samples, p.size[0]), x = roi_axis(e, rois, 0, ow, samples, p.size[1]);
  const Index rows = mul(e, Index(oh), y.samples), columns = mul(e, Index(ow), x.samples), points = mul(e, rows, columns);
  const auto spread = [&](Value* v, bool down) {  // [regions, rows * columns]
    Value* one = e.unsqueeze(v, {down ? 2 : 1});
    const Index& other = down ? columns : rows;
    Value* zeros = other.number ? e.tensor(Tensor::zeros(way, {*other.number}), "zeros") : e.op("Expand", {e.scalar(way, 0), vector_of(e, other)});
    Value* all = e.add(one, e.reshape(zeros, down ? Ints{1, 1, -1} : Ints{1, -1, 1}));
    return e.op("Reshape", {all, vector_of(e, {Index(-1), points})});
  };
  Value* batch = e.unsqueeze(e.cast(e.in(2), DType::int64), {1});
  Value* value = nullptr;
  for (const Tap& a : y.taps)
    for (const Tap& b : x.taps) {
      Value* part = rows_at(e, p, {spread(a.at, true), spread(b.at, false)}, batch);
      part = e.mul(part, e.unsqueeze(e.mul(spread(a.weight, true), spread(b.weight, false)), {2}));
      value = !value ? part : average ? e.add(value, part) : e.op("Max", {value, part});
    }
  value = e.mul(value, e.unsqueeze(e.mul(spread(y.inside, true), spread(x.inside, false)), {2}));
  value = e.op("Reshape", {value, vector_of(e, {Index(-1), Index(oh), y.samples, Index(ow), x.samples, dim_of(e, e.in(0), 1)})});
  e.result(0, e.cast(e.transpose(pooled(e, y, x, value, average, way), {0, 3, 1, 2}), t));
  return "";
}

namespace {

std::optional<std::int64_t> length_of(const Expansion& e, std::size_t i) {
  const Shape* s = e.shape(i);
  return s && s->size() == 1 && s->front().is_value() ? std::optional(s->front().value()) : std::nullopt;
}

// The same with shapes that are computed: which block element a pixel takes is found by arithmetic, axis by axis.
std::string col2im_computed(Expansion& e) {
  const auto axes = length_of(e, 1), also = length_of(e, 2);
  const DType t = e.dtype(0);
  if ((!axes && !also) || (axes && *axes == 0)) return "non-constant operand: image_shape or block_shape of unknown length";
  const auto zero = float_scalar(t, 0);
  if (!zero) return "type: Col2Im of this type";
  const auto k = static_cast<std::size_t>(axes ? *axes : *also);
  const auto list = [&](std::string_view name, std::size_t n, std::int64_t otherwise) {
    const Ints* v = e.integers(name);
    return v && v->size() == n ? *v : Ints(n, otherwise);
  };
  const Ints strides = list("strides", k, 1), dilations = list("dilations", k, 1), pads = list("pads", 2 * k, 0);
  std::vector<Index> image, block, count;
  for (std::size_t a = 0; a < k; ++a) {
    image.push_back(element(e, e.in(1), static_cast<std::int64_t>(a)));
    block.push_back(element(e, e.in(2), static_cast<std::int64_t>(a)));
    const Index room = sub(e, add(e, image[a], pads[a] + pads[a + k] - 1), mul(e, sub(e, block[a], 1), dilations[a]));
    count.push_back(room.number ? Index(*room.number / strides[a] + 1) : Index(e.add(e.div(room.value, e.ints({strides[a]})), e.ints({1}))));
  }
  Value *from = nullptr, *hit = nullptr;  // [blocks..., images...]
  Index place_stride = product(e, count), stride = 1;
  for (std::size_t a = k; a-- > 0;) {
    const auto along = [&](Value* v, std::size_t at) {
      Ints dims(2 * k, 1);
      dims[at] = -1;
      return e.reshape(v, dims);
    };
    Value *r = along(range(e, 0, block[a]), a), *q = along(range(e, 0, image[a]), k + a);
    Value* moved = e.sub(e.add(q, e.index(pads[a])), e.mul(r, e.index(dilations[a])));
    Value* at = e.div(moved, e.index(strides[a]));
    Value* whole = e.op("Equal", {e.mul(at, e.index(strides[a])), moved});
    Value* inside = e.op("And", {e.op("Greater", {moved, e.index(-1)}), e.op("Less", {at, vector_of(e, count[a])})});
    Value* here = e.op("And", {whole, inside});
    Value* part = e.add(e.mul(at, vector_of(e, stride)), e.mul(r, vector_of(e, place_stride)));
    from = from ? e.add(from, part) : part;
    hit = hit ? e.op("And", {hit, here}) : here;
    stride = mul(e, stride, count[a]);
    place_stride = mul(e, place_stride, block[a]);
  }
  Value* nothing = vector_of(e, place_stride);  // behind all blocks
  from = e.add(nothing, e.mul(e.cast(hit, DType::int64), e.sub(from, nothing)));
  from = e.op("Reshape", {from, vector_of(e, {product(e, block), product(e, image)})});
  const Index n = dim_of(e, e.in(0), 0);
  Value* x = e.op("Reshape", {e.in(0), vector_of(e, {n, Index(-1), place_stride})});
  x->type = Type::tensor(t, Shape{Dim(), Dim(), Dim()});
  Value* zeros = e.op("Expand", {e.tensor(*zero), e.concat({e.slice(e.shape_value(x), 0, 2, 0), e.ints({1})}, 0)});
  x = e.op("Gather", {e.concat({x, zeros}, 2), from}, {{"axis", std::int64_t{2}}});
  x = e.reduce("ReduceSum", x, {2}, false);
  std::vector<Index> to{n, Index(-1)};
  to.insert(to.end(), image.begin(), image.end());
  e.result(0, e.op("Reshape", {x, vector_of(e, to)}));
  return "";
}

}  // namespace

// Each pixel sums what the blocks over it hold for it: which those are is known from the sizes. A zero behind the blocks answers for none.
std::string col2im(Expansion& e) {
  constexpr std::int64_t kMost = std::int64_t{1} << 22;
  const auto image = e.constant_ints(1), block = e.constant_ints(2);
  if (!image || !block) return col2im_computed(e);
  const std::size_t k = block->size();
  const DType t = e.dtype(0);
  if (image->size() != k || k == 0 || !float_scalar(t, 0)) return "type: Col2Im of this type";
  const auto list = [&](std::string_view name, std::size_t n, std::int64_t otherwise) {
    const Ints* v = e.integers(name);
    return v && v->size() == n ? *v : Ints(n, otherwise);
  };
  const Ints strides = list("strides", k, 1), dilations = list("dilations", k, 1), pads = list("pads", 2 * k, 0);
  std::int64_t kernel = 1, pixels = 1, blocks = 1;
  Ints counts;
  for (std::size_t a = 0; a < k; ++a) {
    counts.push_back(((*image)[a] + pads[a] + pads[a + k] - dilations[a] * ((*block)[a] - 1) - 1) / strides[a] + 1);
    kernel *= (*block)[a];
    pixels *= (*image)[a];
    blocks *= counts.back();
  }
  if (kernel < 1 || pixels < 1 || blocks < 1 || kernel * pixels > kMost) return "no decomposition: an image of this size";
  Ints from;
  for (std::int64_t place = 0; place < kernel; ++place)
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      std::int64_t at = 0, stride = 1, r = place, q = pixel;
      for (std::size_t a = k; a-- > 0; r /= (*block)[a], q /= (*image)[a]) {
        const std::int64_t moved = q % (*image)[a] + pads[a] - r % (*block)[a] * dilations[a];
        const bool hit = moved >= 0 && moved % strides[a] == 0 && moved / strides[a] < counts[a];
        if (!hit) at = -1;
        if (at >= 0) at += moved / strides[a] * stride;
        stride *= counts[a];
      }
      from.push_back(at < 0 ? kernel * blocks : place * blocks + at);
    }
  const Index n = dim_of(e, e.in(0), 0);
  Value* x = e.op("Reshape", {e.in(0), vector_of(e, {n, Index(-1), Index(kernel * blocks)})});
  x = e.op("Pad", {x, e.ints({0, 0, 0, 0, 0, 1}, "pads")});
  x = e.op("Gather", {x, e.tensor(Tensor::of<std::int64_t>({kernel, pixels}, from), "indices")}, {{"axis", std::int64_t{2}}});
  x = e.reduce("ReduceSum", x, {2}, false);
  std::vector<Index> to{n, Index(-1)};
  for (const std::int64_t d : *image) to.emplace_back(d);
  e.result(0, e.op("Reshape", {x, vector_of(e, to)}));
  return "";
}

}  // namespace onnxopt::expand_fn
