// Averages and norms over windows that older versions do not have, as convolutions with ones.
#include <algorithm>
#include <limits>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

struct Window {
  Ints kernel, strides, dilations, pads;  // pads: of the node
  Ints beyond;                            // at the end, where ceil_mode lets a window hang over
};

std::string read_window(const Expansion& e, Window& w) {
  const Ints* kernel = e.integers("kernel_shape");
  const Shape* s = e.shape(0);
  const std::string automatic = e.text("auto_pad", "NOTSET");
  if (!kernel || !s || s->size() != kernel->size() + 2 || kernel->empty()) return "the shape of the input is not known";
  const std::size_t n = kernel->size();
  const auto list = [&](std::string_view name, std::size_t size, std::int64_t otherwise) {
    const Ints* v = e.integers(name);
    return v && v->size() == size ? *v : Ints(size, otherwise);
  };
  w = {*kernel, list("strides", n, 1), list("dilations", n, 1), automatic == "NOTSET" ? list("pads", 2 * n, 0) : Ints(2 * n, 0), Ints(n, 0)};
  if (automatic.starts_with("SAME")) {
    for (std::size_t k = 0; k < n; ++k) {
      if (!(*s)[k + 2].is_value()) return "no decomposition: auto_pad with an unknown size";
      const std::int64_t in = (*s)[k + 2].value(), out = (in + w.strides[k] - 1) / w.strides[k];
      const std::int64_t all = std::max<std::int64_t>(0, (out - 1) * w.strides[k] + (w.kernel[k] - 1) * w.dilations[k] + 1 - in);
      w.pads[k] = automatic == "SAME_LOWER" ? all - all / 2 : all / 2;
      w.pads[k + n] = all - w.pads[k];
    }
    return "";
  }
  if (e.integer("ceil_mode", 0) == 0) return "";
  for (std::size_t k = 0; k < n; ++k) {
    if (!(*s)[k + 2].is_value()) return "no decomposition: ceil_mode with an unknown size";
    const std::int64_t in = (*s)[k + 2].value(), window = (w.kernel[k] - 1) * w.dilations[k] + 1, room = in + w.pads[k] + w.pads[k + n] - window;
    if (room < 0) return "no decomposition: a window wider than the input";
    std::int64_t out = (room + w.strides[k] - 1) / w.strides[k] + 1;
    if ((out - 1) * w.strides[k] >= in + w.pads[k]) --out;
    w.beyond[k] = std::max<std::int64_t>(0, (out - 1) * w.strides[k] + window - in - w.pads[k] - w.pads[k + n]);
  }
  return "";
}

// Of [n, 1, sizes...]; `pads` before and after.
Value* windowed_sum(Expansion& e, const Window& w, Value* x, Ints pads) {
  const DType t = Expansion::dtype_of_value(x);
  const std::size_t n = w.kernel.size();
  for (std::size_t k = 0; k < n; ++k) pads[k + n] += w.beyond[k];
  Ints ones{1, 1};
  ones.insert(ones.end(), w.kernel.begin(), w.kernel.end());
  Value* weight = e.op("Expand", {e.reshape(e.scalar(t, 1), {1}), e.ints(ones)});
  return e.op("Conv", {x, weight}, {{"kernel_shape", w.kernel}, {"strides", w.strides}, {"dilations", w.dilations}, {"pads", pads}});
}

Value* alone(Expansion& e, Value* x) {  // every channel by itself
  std::vector<Index> dims = dims_of(e, x);
  dims.erase(dims.begin());
  dims[0] = 1;
  dims.insert(dims.begin(), Index(-1));
  return e.op("Reshape", {x, vector_of(e, dims)});
}

Value* together(Expansion& e, Value* y) {
  Value* shape = e.concat({e.slice(e.shape_value(e.in(0)), 0, 2, 0), e.slice(e.shape_value(y), 2, INT64_MAX, 0)}, 0);
  return e.op("Reshape", {y, shape});
}

}  // namespace

std::string pool_by_sums(Expansion& e) {
  const DType t = e.dtype(0);
  if (t != DType::float32 && t != DType::float64 && t != DType::float16) return "type: this operator of this type";
  Window w;
  if (auto why = read_window(e, w); !why.empty()) return why;
  if (e.node().is("LpPool")) {
    const auto p = static_cast<double>(e.integer("p", 2));
    if (p <= 0) return "no decomposition: p";
    Value* sum = windowed_sum(e, w, e.op("Pow", {e.op("Abs", {alone(e, e.in(0))}), e.scalar(t, p)}), w.pads);
    e.result(0, together(e, e.op("Pow", {sum, e.scalar(t, 1 / p)})));
    return "";
  }
  Value* sum = windowed_sum(e, w, alone(e, e.in(0)), w.pads);
  const bool includes = e.integer("count_include_pad", 0) != 0;
  const auto none = [](const Ints& v) { return std::ranges::all_of(v, [](std::int64_t i) { return i == 0; }); };
  Value* count;
  if (none(w.beyond) && (includes || none(w.pads))) {
    std::int64_t all = 1;
    for (const std::int64_t k : w.kernel) all *= k;
    count = e.scalar(t, static_cast<double>(all));
  } else {
    std::vector<Index> dims{1, 1};
    for (std::size_t k = 0; k < w.kernel.size(); ++k) {
      const Index size = dim_of(e, e.in(0), static_cast<std::int64_t>(k) + 2);
      dims.push_back(includes ? add(e, size, w.pads[k] + w.pads[k + w.kernel.size()]) : size);
    }
    Value* ones = e.op("Expand", {e.reshape(e.scalar(t, 1), {1}), vector_of(e, dims)});
    count = windowed_sum(e, w, ones, includes ? Ints(w.pads.size(), 0) : w.pads);
  }
  e.result(0, together(e, e.div(sum, count)));
  return "";
}

namespace {

// Filled with what is less than everything; float32 or double.
Value* padded_for_maximum(Expansion& e, const Window& w, Value* x) {
  const std::size_t n = w.kernel.size();
  Ints pads(2 * (n + 2), 0);
  for (std::size_t k = 0; k < n; ++k) {
    pads[k + 2] = w.pads[k];
    pads[k + 4 + n] = w.pads[k + n] + w.beyond[k];
  }
  if (std::ranges::all_of(pads, [](std::int64_t p) { return p == 0; })) return x;
  return e.op("Pad", {x, e.ints(pads, "pads"), e.scalar(Expansion::dtype_of_value(x), -std::numeric_limits<double>::infinity())});
}

// With the places: every element of the window in a row, of which the first largest is taken.
std::string max_pool_with_places(Expansion& e, const Window& w, DType way) {
  constexpr std::int64_t kMost = 4096;
  const std::size_t n = w.kernel.size();
  std::int64_t all = 1;
  for (const std::int64_t k : w.kernel) all = std::min(all * k, kMost + 1);
  if (all > kMost) return "no decomposition: the places of a window of this size";
  Value* x = padded_for_maximum(e, w, e.cast(e.in(0), way));
  std::vector<Value*> firsts;  // along each axis, where the windows begin
  for (std::size_t a = 0; a < n; ++a) {
    const Index room = sub(e, dim_of(e, x, static_cast<std::int64_t>(a) + 2), (w.kernel[a] - 1) * w.dilations[a] + 1);
    const Index count = room.number ? Index(*room.number / w.strides[a] + 1) : Index(e.add(e.div(room.value, e.ints({w.strides[a]})), e.ints({1})));
    if (count.number && *count.number < 1) return "no decomposition: a window wider than the input";
    firsts.push_back(e.mul(range(e, 0, count), e.index(w.strides[a])));
  }
  std::vector<Ints> offsets(n);  // of each element of the window
  std::vector<Value*> copies;
  for (std::int64_t i = 0; i < all; ++i) {
    Value* copy = x;
    std::int64_t rest = i, stride = all;
    for (std::size_t a = 0; a < n; ++a) {
      stride /= w.kernel[a];
      offsets[a].push_back(rest / stride * w.dilations[a]);
      rest %= stride;
      copy = e.op("Gather", {copy, e.add(firsts[a], e.index(offsets[a].back()))}, {{"axis", static_cast<std::int64_t>(a) + 2}});
    }
    copies.push_back(e.unsqueeze(copy, {static_cast<std::int64_t>(n) + 2}));
  }
  const auto behind = static_cast<std::int64_t>(n) + 2;
  Value* row = e.concat(std::move(copies), behind);
  Value* which = e.op("ArgMax", {row}, {{"axis", behind}, {"keepdims", std::int64_t{0}}});
  const std::vector<Index> in = dims_of(e, e.in(0));
  const auto along = [&](Value* v, std::size_t axis) {
    Ints dims(n + 2, 1);
    dims[axis] = -1;
    return e.reshape(v, dims);
  };
  const bool columns = e.integer("storage_order", 0) == 1;
  Index stride = 1;
  Value* at = nullptr;
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t a = columns ? k : n - 1 - k;
    Value* first = along(e.sub(firsts[a], e.index(w.pads[a])), a + 2);
    Value* inside = e.op("Gather", {e.ints(offsets[a], "offsets"), which}, {{"axis", std::int64_t{0}}});
    Value* part = e.mul(e.add(first, inside), vector_of(e, stride));
    at = at ? e.add(at, part) : part;
    stride = mul(e, stride, in[a + 2]);
  }
  at = e.add(at, e.mul(along(range(e, 0, in[1]), 1), vector_of(e, stride)));
  at = e.add(at, e.mul(along(range(e, 0, in[0]), 0), vector_of(e, mul(e, stride, in[1]))));
  if (e.used(0)) e.result(0, e.cast(e.reduce("ReduceMax", row, {behind}, false), e.dtype(0)));
  e.result(1, at);
  return "";
}

}  // namespace

// The largest of shifted copies, axis by axis; a window of one element does the strides.
std::string dilated_max_pool(Expansion& e) {
  const DType t = e.dtype(0);
  const bool narrow = t == DType::int8 || t == DType::uint8;
  if (!narrow && t != DType::float32 && t != DType::float64 && t != DType::float16) return "type: this operator of this type";
  Window w;
  if (auto why = read_window(e, w); !why.empty()) return why;
  const std::size_t n = w.kernel.size();
  const DType way = narrow ? DType::float32 : t;
  if (e.used(1)) return max_pool_with_places(e, w, way);
  Value* x = padded_for_maximum(e, w, e.cast(e.in(0), way));
  for (std::size_t k = 0; k < n; ++k) {
    const auto axis = static_cast<std::int64_t>(k) + 2;
    const std::int64_t last = (w.kernel[k] - 1) * w.dilations[k];
    std::vector<Value*> copies;
    for (std::int64_t from = 0; from <= last; from += w.dilations[k])
      copies.push_back(e.slice(x, from, from == last ? INT64_MAX : from - last, axis));
    x = copies.size() == 1 ? x : e.op("Max", std::move(copies));
  }
  if (std::ranges::any_of(w.strides, [](std::int64_t i) { return i != 1; }))
    x = e.op("MaxPool", {x}, {{"kernel_shape", Ints(n, 1)}, {"strides", w.strides}});
  e.result(0, e.cast(x, t));
  return "";
}

}  // namespace onnxopt::expand_fn
