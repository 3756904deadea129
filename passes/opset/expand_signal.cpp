// Fourier transforms as products with tables of cosines and sines.
#include <cmath>
#include <numbers>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

constexpr std::int64_t kMostTable = std::int64_t{1} << 20;  // elements of a table that is stored

bool any_float(DType t) { return t == DType::float32 || t == DType::float64 || t == DType::float16 || t == DType::bfloat16; }

// Sums of many terms that cancel: a fast transform of floats is more accurate than they would be.
DType sum_type(DType t) { return t == DType::float16 || t == DType::bfloat16 ? DType::float32 : DType::float64; }

struct Tables {
  Value *cosine, *sine;
};

// factor(j) * cos and sin of 2 pi j k / length, j < rows, k < columns, in `t` (float or double).
Tables stored_tables(Expansion& e, DType t, std::int64_t rows, std::int64_t columns, std::int64_t length, const Floats& factor) {
  std::vector<double> c, s;
  for (std::int64_t j = 0; j < rows; ++j)
    for (std::int64_t k = 0; k < columns; ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(j * k % length) / static_cast<double>(length);
      const double by = factor.empty() ? 1.0 : static_cast<double>(factor[static_cast<std::size_t>(j)]);
      c.push_back(by * std::cos(angle));
      s.push_back(by * std::sin(angle));
    }
  const auto table = [&](const std::vector<double>& v) {
    if (t == DType::float64) return e.tensor(Tensor::of<double>({rows, columns}, v), "table");
    return e.tensor(Tensor::of<float>({rows, columns}, std::vector<float>(v.begin(), v.end())), "table");
  };
  return {table(c), table(s)};
}

// The same where a size is known at run time only, or the table is large.
Tables computed_tables(Expansion& e, DType t, const Index& rows, const Index& columns, const Index& length, const Floats& factor) {
  Value* j = e.unsqueeze(range(e, 0, rows), {1});
  Value* k = e.unsqueeze(range(e, 0, columns), {0});
  Value* turns = e.mul(j, k);
  Value* n = vector_of(e, length);
  turns = e.sub(turns, e.mul(e.div(turns, n), n));
  Value* angle = e.mul(e.div(e.cast(turns, t), e.cast(n, t)), e.scalar(t, 2 * std::numbers::pi));
  Tables r{e.op("Cos", {angle}), e.op("Sin", {angle})};
  if (factor.empty()) return r;
  Value* by = e.cast(e.tensor(Tensor::of<float>({static_cast<std::int64_t>(factor.size()), 1}, factor), "factor"), t);
  return {e.mul(r.cosine, by), e.mul(r.sine, by)};
}

Tables tables(Expansion& e, DType t, const Index& rows, const Index& columns, const Index& length, const Floats& factor = {}) {
  const bool known = rows.number && columns.number && length.number && *length.number > 0;
  if (known && *rows.number * *columns.number <= kMostTable) return stored_tables(e, t, *rows.number, *columns.number, *length.number, factor);
  return computed_tables(e, t, rows, columns, length, factor);
}

Index half_and_one(Expansion& e, const Index& n) {
  if (n.number) return *n.number / 2 + 1;
  return Index(e.add(e.div(n.value, e.ints({2}, "two")), e.ints({1}, "one")));
}

// A constant or computed scalar.
Index scalar_index(Expansion& e, std::size_t i) {
  if (const auto known = e.constant_ints(i); known && known->size() == 1) return known->front();
  return Index(e.reshape(e.cast(e.in(i), DType::int64), {1}));
}

// Real and imaginary part (null: zero) without the axis that holds them.
std::pair<Value*, Value*> parts_of(Expansion& e, Value* x, std::int64_t last, std::int64_t count) {
  Value* real = count == 1 ? e.squeeze(x, {last}) : e.op("Gather", {x, e.index(0)}, {{"axis", last}});
  return {real, count == 1 ? nullptr : e.op("Gather", {x, e.index(1)}, {{"axis", last}})};
}

struct Transform {
  Value *real, *imaginary;  // imaginary: null for a real input
  Index used, bins, length;
  bool inverse = false, back_to_real = false;  // the latter: from half of a spectrum
  DType t;
};

// The last axis of real and imaginary is transformed.
std::pair<Value*, Value*> transform(Expansion& e, const Transform& p) {
  Floats weight;
  Value* computed = nullptr;
  if (p.back_to_real && (!p.used.number || !p.length.number)) {
    Value* bin = range(e, 0, p.used);
    const auto is = [&](Value* a, Value* b) { return e.cast(e.op("Equal", {a, b}), DType::int64); };
    computed = e.sub(e.sub(e.index(2), is(bin, e.index(0))), is(e.mul(bin, e.index(2)), vector_of(e, p.length)));
    computed = e.cast(computed, p.t);
  } else if (p.back_to_real) {  // all bins but the first, and the middle one of an even length, stand for two
    for (std::int64_t j = 0; j < *p.used.number; ++j) weight.push_back(j == 0 || 2 * j == *p.length.number ? 1.0f : 2.0f);
  }
  const Tables m = tables(e, p.t, p.used, p.bins, p.length, weight);
  const auto product = [&](Value* x, Value* table) { return e.op("MatMul", {computed ? e.mul(x, computed) : x, table}); };
  Value *real = product(p.real, m.cosine), *imaginary = nullptr;
  if (p.imaginary) {
    Value* crossed = product(p.imaginary, m.sine);
    real = p.inverse ? e.sub(real, crossed) : e.add(real, crossed);
  }
  if (!p.back_to_real) {
    imaginary = product(p.real, m.sine);
    if (!p.inverse) imaginary = e.op("Neg", {imaginary});
    if (p.imaginary) imaginary = e.add(imaginary, product(p.imaginary, m.cosine));
  }
  if (p.inverse) {
    Value* n = e.cast(vector_of(e, p.length), p.t);
    real = e.div(real, n);
    if (imaginary) imaginary = e.div(imaginary, n);
  }
  return {real, imaginary};
}

}  // namespace

namespace {

// The axis is computed: what stands in front of it and behind it becomes one dim each.
std::string dft_along_computed(Expansion& e) {
  const Shape& s = *e.shape(0);
  const auto rank = static_cast<std::int64_t>(s.size());
  const bool real = e.integer("inverse", 0) != 0 && e.integer("onesided", 0) != 0;
  const auto flag = [&](Value* v) { return e.cast(v, DType::int64); };
  Value* at = e.reshape(e.cast(e.in(2), DType::int64), {1});
  at = e.add(at, e.mul(flag(e.op("Less", {at, e.index(0)})), e.index(rank)));
  Value* sizes = e.slice(e.shape_value(e.in(0)), 0, rank - 1, 0);
  Value* places = range(e, 0, rank - 1);
  const auto product_where = [&](Value* chosen) {
    Value* kept = e.add(e.mul(chosen, e.sub(sizes, e.index(1))), e.index(1));
    return e.reduce("ReduceProd", kept, {0});
  };
  Value *before = product_where(flag(e.op("Less", {places, at}))), *behind = product_where(flag(e.op("Greater", {places, at})));
  Value* size = e.op("Gather", {sizes, at}, {{"axis", std::int64_t{0}}});
  Value* x = e.op("Reshape", {e.in(0), e.concat({before, size, behind, e.ints({s.back().value()})}, 0)});
  x->type = Type::tensor(e.dtype(0), Shape{Dim(), Dim(), Dim(), s.back()});
  Value* y = e.op("DFT", {x, e.in(1), e.index(1, "axis")}, e.node().attrs());
  Value* here = flag(e.op("Equal", {places, at}));
  Value* shape = e.add(sizes, e.mul(here, e.sub(e.slice(e.shape_value(y), 1, 2, 0), sizes)));
  e.result(0, e.op("Reshape", {y, e.concat({shape, e.ints({real ? 1 : 2})}, 0)}));
  return "";
}

}  // namespace

std::string dft(Expansion& e) {
  const DType t = e.dtype(0), way = sum_type(t);
  const Shape* s = e.shape(0);
  if (!any_float(t)) return "the type of the input is not known";
  if (!s || s->size() < 2 || !s->back().is_value()) return "the shape of the input is not known";
  const auto rank = static_cast<std::int64_t>(s->size()), count = s->back().value();
  const bool inverse = e.integer("inverse", 0) != 0, onesided = e.integer("onesided", 0) != 0;
  std::int64_t axis = -2;
  if (e.has(2)) {
    const auto stated = e.constant_ints(2);
    if (!stated) return dft_along_computed(e);
    if (stated->size() != 1) return "no decomposition: this form of DFT";
    axis = stated->front();
  }
  axis += axis < 0 ? rank : 0;
  if ((count != 1 && count != 2) || axis < 0 || axis >= rank - 1 || (onesided && (count == 2) != inverse))
    return "no decomposition: this form of DFT";
  const Index size = dim_of(e, e.in(0), axis);
  Transform p{nullptr, nullptr, size, 0, size, inverse, inverse && onesided, way};
  if (e.has(1)) p.length = scalar_index(e, 1);
  else if (p.back_to_real) p.length = mul(e, sub(e, size, 1), 2);
  if (p.length.number && *p.length.number <= 0) return "no decomposition: no length";
  p.bins = onesided && !inverse ? half_and_one(e, p.length) : p.length;
  p.used = min(e, size, p.back_to_real ? half_and_one(e, p.length) : p.length);
  Ints perm;
  for (std::int64_t k = 0; k < rank; ++k)
    if (k != axis && k != rank - 1) perm.push_back(k);
  perm.push_back(axis);
  perm.push_back(rank - 1);
  Value* x = e.transpose(e.cast(e.in(0), way), perm);
  const bool cuts = !(size.number && p.used.number && *size.number == *p.used.number);
  if (cuts) x = e.op("Slice", {x, e.ints({0}, "starts"), vector_of(e, p.used), e.ints({rank - 2}, "axes")});
  std::tie(p.real, p.imaginary) = parts_of(e, x, rank - 1, count);
  const auto [real, imaginary] = transform(e, p);
  Value* y = e.unsqueeze(real, {rank - 1});
  if (imaginary) y = e.concat({y, e.unsqueeze(imaginary, {rank - 1})}, rank - 1);
  Ints back(static_cast<std::size_t>(rank));
  for (std::size_t k = 0; k < perm.size(); ++k) back[static_cast<std::size_t>(perm[k])] = static_cast<std::int64_t>(k);
  e.result(0, e.cast(e.transpose(y, back), t));
  return "";
}

// Frames are gathered, weighted, and transformed.
std::string stft(Expansion& e) {
  const DType t = e.dtype(0), way = sum_type(t);
  const Shape* s = e.shape(0);
  if (!any_float(t)) return "the type of the input is not known";
  if (!s || (s->size() != 2 && s->size() != 3) || (s->size() == 3 && !s->back().is_value())) return "the shape of the input is not known";
  const std::int64_t count = s->size() == 3 ? s->back().value() : 1;
  if (count != 1 && count != 2) return "no decomposition: this form of STFT";
  const Index length = dim_of(e, e.in(0), 1), step = scalar_index(e, 1);
  const Index frame = e.has(3) ? scalar_index(e, 3) : e.has(2) ? dim_of(e, e.in(2), 0) : length;
  const bool known = length.number && step.number && frame.number && *step.number > 0;
  const Index frames = known ? Index((*length.number - *frame.number) / *step.number + 1)
                             : Index(e.add(e.div(vector_of(e, sub(e, length, frame)), vector_of(e, step)), e.ints({1}, "one")));
  if (frames.number && *frames.number < 1) return "no decomposition: frames longer than the signal";
  Value* at = e.add(e.unsqueeze(e.mul(range(e, 0, frames), vector_of(e, step)), {1}), e.unsqueeze(range(e, 0, frame), {0}));
  Value* x = e.op("Gather", {e.cast(e.in(0), way), at}, {{"axis", std::int64_t{1}}});
  Transform p{x, nullptr, frame, 0, frame, false, false, way};
  if (s->size() == 3) std::tie(p.real, p.imaginary) = parts_of(e, x, 3, count);
  if (e.has(2)) {
    Value* window = e.cast(e.in(2), way);
    p.real = e.mul(p.real, window);
    if (p.imaginary) p.imaginary = e.mul(p.imaginary, window);
  }
  p.bins = e.integer("onesided", 1) != 0 ? half_and_one(e, frame) : frame;
  const auto [real, imaginary] = transform(e, p);
  e.result(0, e.cast(e.concat({e.unsqueeze(real, {3}), e.unsqueeze(imaginary, {3})}, 3), t));
  return "";
}

namespace {

// The triangles, where the sizes are computed: in double, as the corners are rounded down. A triangle without a left side is 1 at its top.
std::string mel_computed(Expansion& e) {
  const DType w = DType::float64;
  const auto d = [&](double v) { return e.scalar(w, v); };
  const auto wide = [&](std::size_t i) { return e.reshape(e.cast(e.in(i), w), {1}); };
  const auto flag = [&](Value* v) { return e.cast(v, w); };
  const auto not_above = [&](Value* a, Value* b) { return flag(e.op("Not", {e.op("Greater", {a, b})})); };
  const auto mel = [&](Value* hertz) { return e.mul(e.op("Log", {e.add(e.div(hertz, d(700)), d(1))}), d(2595 / std::numbers::ln10)); };
  const Index bands = scalar_index(e, 0), bins = half_and_one(e, scalar_index(e, 1));
  const Index corners = add(e, bands, 2);
  Value *low = mel(wide(3)), *high = mel(wide(4));
  Value* step = e.div(e.sub(high, low), e.cast(vector_of(e, corners), w));
  Value* mels = e.add(e.mul(flag(range(e, 0, corners)), step), low);
  Value* hertz = e.mul(e.sub(e.op("Exp", {e.mul(mels, d(std::numbers::ln10 / 2595))}), d(1)), d(700));
  Value* at = e.op("Floor", {e.div(e.mul(e.add(wide(1), d(1)), hertz), wide(2))});
  const auto from = [&](std::int64_t k) { return e.op("Gather", {at, range(e, k, add(e, bands, k))}, {{"axis", std::int64_t{0}}}); };
  Value *left = from(0), *top = from(1), *right = from(2);
  Value* bin = e.unsqueeze(flag(range(e, 0, bins)), {1});
  const auto slope = [&](Value* rise, Value* run) {  // 0 where there is no side
    Value* none = flag(e.op("Not", {e.cast(run, DType::boolean)}));
    return e.div(rise, e.add(run, none));
  };
  Value* falls = e.mul(not_above(top, bin), flag(e.op("Less", {bin, right})));
  Value* rises = e.mul(e.mul(not_above(left, bin), flag(e.op("Less", {bin, top}))), flag(e.op("Less", {left, top})));
  Value* y = e.add(e.mul(rises, slope(e.sub(bin, left), e.sub(top, left))), e.mul(falls, slope(e.sub(right, bin), e.sub(right, top))));
  Value* peak = e.mul(flag(e.op("Equal", {bin, top})), e.sub(d(1), falls));  // without a right side the top is all there is
  e.result(0, e.op("Cast", {e.add(y, peak)}, {{"to", e.integer("output_datatype", 1)}}));
  return "";
}

}  // namespace

// Triangles over the bins of a one-sided transform, their corners evenly spaced on the mel scale.
std::string mel_weight_matrix(Expansion& e) {
  double in[5];
  for (std::size_t i = 0; i < 5; ++i) {
    const auto v = e.constant(i) ? scalar_value(*e.constant(i)) : std::nullopt;
    if (!v) return mel_computed(e);
    in[i] = *v;
  }
  const auto bands = static_cast<std::int64_t>(in[0]), length = static_cast<std::int64_t>(in[1]), bins = length / 2 + 1;
  if (bands < 1 || length < 1 || in[2] < 1 || bands * bins > kMostTable) return "no decomposition: a matrix of this size";
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const double low = mel(in[3]), step = (mel(in[4]) - low) / static_cast<double>(bands + 2);
  std::vector<std::int64_t> corners;
  for (std::int64_t i = 0; i < bands + 2; ++i) {
    const double hertz = 700 * (std::pow(10, (low + static_cast<double>(i) * step) / 2595) - 1);
    corners.push_back(static_cast<std::int64_t>(std::floor(static_cast<double>(length + 1) * hertz / in[2])));
    if (corners.back() < 0 || corners.back() >= bins) return "no decomposition: an edge outside of the bins";
  }
  std::vector<float> w(static_cast<std::size_t>(bins * bands));
  const auto cell = [&](std::int64_t bin, std::int64_t band) -> float& { return w[static_cast<std::size_t>(bin * bands + band)]; };
  for (std::int64_t i = 0; i < bands; ++i) {
    const std::int64_t left = corners[static_cast<std::size_t>(i)], center = corners[static_cast<std::size_t>(i) + 1],
                       right = corners[static_cast<std::size_t>(i) + 2];
    if (left == center) cell(center, i) = 1;
    for (std::int64_t j = left; j <= center && left < center; ++j)
      cell(j, i) = static_cast<float>(static_cast<double>(j - left) / static_cast<double>(center - left));
    for (std::int64_t j = center; j < right; ++j)
      cell(j, i) = static_cast<float>(static_cast<double>(right - j) / static_cast<double>(right - center));
  }
  const DType t = static_cast<DType>(e.integer("output_datatype", 1));
  e.result(0, e.op("Identity", {e.cast(e.tensor(Tensor::of<float>({bins, bands}, w), "mel"), t)}));
  return "";
}

}  // namespace onnxopt::expand_fn
