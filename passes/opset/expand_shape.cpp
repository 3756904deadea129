// Shapes, ranges, and what is cut into parts.
#include <algorithm>
#include <cmath>

#include "ir/core/model.h"
#include "ir/ops/op_table.h"
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

constexpr std::int64_t kMostMade = 65536;  // elements of a constant that takes a computation's place

std::optional<std::int64_t> length_of(const Value* v) {
  const Shape* s = Expansion::shape_of(v);
  if (!s || s->size() != 1 || !s->front().is_value()) return std::nullopt;
  return s->front().value();
}

// `one` (one element) in a new shape: dims are an int64 vector.
std::string filled(Expansion& e, Value* one, Value* dims) {
  const auto n = length_of(dims);
  if (e.opset() >= 8) {
    e.result(0, e.op("Expand", {n ? one : e.reshape(one, {}), dims}));
    return "";
  }
  if (!n) {
    Value* ones = e.add(e.mul(dims, e.index(0)), e.index(1));  // as many as there are sizes
    e.result(0, e.op("Tile", {e.op("Reshape", {one, ones}), dims}));
    return "";
  }
  if (*n == 0) {
    e.result(0, e.reshape(one, {}));
    return "";
  }
  e.result(0, e.op("Tile", {e.reshape(one, Ints(static_cast<std::size_t>(*n), 1)), dims}));
  return "";
}

}  // namespace

// start and end came with opset 15.
std::string shape(Expansion& e) {
  const std::int64_t start = e.integer("start"), end = e.node().attrs().has("end") ? e.integer("end") : INT64_MAX;
  e.result(0, e.slice(e.op("Shape", {e.in(0)}), start, end, 0));
  return "";
}

namespace {

// Zeros of the shape become ones; where there are any the tensor is empty, and gets what fills the shape; then the ones are cut away.
Value* reshaped_to_zeros(Expansion& e, Value* x, DType t, Value* to) {
  Value* zero = e.cast(e.op("Equal", {to, e.ints({0}, "zero")}), DType::int64);
  Value* ones = e.add(to, zero);
  const auto count = [&](Value* sizes) { return e.op("ReduceProd", {length_of(to) ? sizes : e.concat({sizes, e.ints({1}, "one")}, 0)}); };
  Value* missing = e.sub(count(ones), count(to));  // none, also beside a -1, where no size is zero
  Value* fill = e.cast(e.op("ConstantOfShape", {missing}, {{"value", Tensor::of<float>({1}, {0})}}), t);
  Value* y = e.op("Reshape", {e.concat({e.reshape(x, {-1}), fill}, 0), ones});
  Value* kept = e.sub(e.ints({1}, "one"), zero);
  if (!length_of(to)) return e.op("Tile", {y, kept});  // Slice does not take scalars, or has to know how many axes there are
  return e.op("Slice", {y, e.sub(to, to), e.mul(kept, e.ints({INT64_MAX}, "end"))});
}

}  // namespace

// allowzero = 1: a zero is a size, not a copy. It matters for empty tensors only. A size that is the input's own at that place may be copied; one
// other size that may be zero becomes -1 then, which is zero again as the tensor is empty. Where there may be more, and nothing fills a tensor of the
// type (strings), or the type is not known, places are brought to the shape, and elements gathered from there.
std::string reshape(Expansion& e) {
  if (e.integer("allowzero", 0) == 0) return kOtherReason;
  Value* to = e.in(1);
  const auto n = length_of(to);
  const Shape* from = e.shape(0);
  const DType t = e.dtype(0);
  const auto plain = [&](std::size_t i) {
    if (to->constant()) return to->constant()->dtype() == DType::int64 && to->constant()->data<std::int64_t>()[i] != 0;
    if (!to->known) return false;
    const Dim& d = (*to->known)[i];
    if (d.is_value()) return d.value() != 0;
    return from && i < from->size() && same(d, (*from)[i]);
  };
  std::size_t open = 0;
  for (std::size_t i = 0; n && i < static_cast<std::size_t>(*n); ++i) open += plain(i) ? 0 : 1;
  if (open > 1 || !n) {
    if (t != DType::undefined && t != DType::string) {
      e.result(0, reshaped_to_zeros(e, e.in(0), t, to));
      return "";
    }
    Value* size = e.reshape(e.op("Size", {e.in(0)}), {1});
    Value* places = reshaped_to_zeros(e, range(e, 0, Index(size)), DType::int64, to);
    e.result(0, e.op("Gather", {e.reshape(e.in(0), {-1}), places}, {{"axis", std::int64_t{0}}}));
    return "";
  }
  if (open > 0) to = e.sub(to, e.cast(e.op("Equal", {to, e.ints({0}, "zero")}), DType::int64));
  e.result(0, e.op("Reshape", {e.in(0), to}));
  return "";
}

std::string constant_of_shape(Expansion& e) {
  const auto* value = e.node().attrs().get<Tensor>("value");
  const Tensor fill = value ? *value : Tensor::zeros(DType::float32, {1});
  if (const auto dims = e.constant_ints(0); dims && std::ranges::none_of(*dims, [](std::int64_t d) { return d < 0; })) {
    std::int64_t count = 1;
    for (const std::int64_t d : *dims) count = d == 0 ? 0 : std::min<std::int64_t>(count * d, kMostMade + 1);
    const std::size_t width = fill.bytes().size();
    if (count <= kMostMade && bit_width(fill.dtype()) >= 8) {
      std::vector<std::byte> bytes;
      for (std::int64_t i = 0; i < count; ++i)
        bytes.insert(bytes.end(), fill.bytes().begin(), fill.bytes().begin() + static_cast<std::ptrdiff_t>(width));
      e.result(0, e.op("Identity", {e.tensor(Tensor::from_bytes(fill.dtype(), *dims, std::move(bytes)))}));
      return "";
    }
  }
  return filled(e, e.tensor(fill.reshaped({1}), "fill"), e.in(0));
}

// Expand-8: two-way broadcasting. Before: times ones of that shape, which Tile makes.
std::string expand_to(Expansion& e) {
  const DType t = e.dtype(0);
  const auto n = length_of(e.in(1));
  const bool direct = t == DType::float32 || t == DType::float64 || t == DType::float16 || t == DType::int32 || t == DType::int64;
  const bool narrow = t == DType::boolean || t == DType::uint8 || t == DType::int8 || t == DType::int16 || t == DType::uint16;
  if (!direct && !narrow) return "type: Expand of this type before opset 8";
  const DType way = direct ? t : DType::int32;
  if (n && *n == 0) {
    e.result(0, e.op("Identity", {e.in(0)}));
    return "";
  }
  Value* one = e.scalar(way, 1);
  if (n) one = e.reshape(one, Ints(static_cast<std::size_t>(*n), 1));
  else one = e.op("Reshape", {one, e.add(e.mul(e.in(1), e.index(0)), e.index(1))});  // as many as there are sizes
  Value* y = e.mul(e.cast(e.in(0), way), e.op("Tile", {one, e.in(1)}));
  e.result(0, e.cast(y, t));
  return "";
}

namespace {

// 0, 1, ... n - 1 as int64; n: int64 [1], not negative.
Value* counting(Expansion& e, Value* n) {
  if (e.opset() >= 9) {
    Attrs ones;
    ones.set("value", Tensor::int64s({1}));
    return e.squeeze(e.op("NonZero", {e.op("ConstantOfShape", {n}, std::move(ones))}), {0});
  }
  Graph& outer = *e.node().graph();
  auto body = std::make_shared<Graph>(outer.model());
  body->name = "count";
  Value& i = body->add_input("i", Type::tensor(DType::int64, Dims{}));
  Value& go = body->add_input("go", Type::tensor(DType::boolean, Dims{}));
  Value& state = body->add_input("state", Type::tensor(DType::int64, Dims{}));  // the first versions of Loop must have some
  for (Value* v : {&i, &go, &state}) {
    v->set_name(v->name());  // ours, made unique on save
    v->make_extra().declared = v->type;
    v->make_extra().has_declared = true;
  }
  for (Value* v : {&go, &state, &i}) {
    Value* out = body->append(onnxopt::op("Identity"), {v}).output();
    out->type = v->type;
    body->add_output(*out);
  }
  Node& loop = e.make("Loop", {e.squeeze(n, {0}), e.tensor(Tensor::scalar<bool>(true), "go"), e.index(0)}, {}, 2);
  outer.adopt_subgraph(loop, "body", body);
  loop.output(0)->type = Type::tensor(DType::int64, Dims{});
  loop.output(1)->type = Type::tensor(DType::int64, Shape{Dim()});
  return loop.output(1);
}

// How many steps of `delta` lead from start to limit: ceil((limit - start) / delta), at least 0. Scalars of integers.
Value* steps_between(Expansion& e, Value* start, Value* limit, Value* delta) {
  Value* zero = e.index(0);
  Value* way = e.sub(limit, start);
  Value* whole = e.div(way, delta);
  Value* rest = e.sub(way, e.mul(whole, delta));
  Value* uneven = e.cast(e.op("Greater", {e.mul(rest, delta), zero}), DType::int64);
  Value* n = e.add(whole, uneven);
  return e.mul(n, e.cast(e.op("Greater", {n, zero}), DType::int64));
}

}  // namespace

std::string range_of(Expansion& e) {
  const DType t = e.dtype(0);
  const bool integer = t == DType::int64 || t == DType::int32 || t == DType::int16;
  if (t == DType::float16 || t == DType::bfloat16) {
    const auto wide = [&](std::size_t i) { return e.cast(e.in(i), DType::float32); };
    e.result(0, e.cast(e.op("Range", {wide(0), wide(1), wide(2)}), t));
    return "";
  }
  if (!integer && t != DType::float32 && t != DType::float64) return "type: Range of this type";
  Value* n;
  if (integer) {
    n = steps_between(e, e.cast(e.in(0), DType::int64), e.cast(e.in(1), DType::int64), e.cast(e.in(2), DType::int64));
  } else {
    Value* steps = e.op("Ceil", {e.div(e.sub(e.in(1), e.in(0)), e.in(2))});
    n = e.cast(e.op("Max", {steps, e.scalar(t, 0)}), DType::int64);
  }
  Value* i = e.cast(counting(e, e.reshape(n, {1})), t);
  const Tensor *start = e.constant(0), *delta = e.constant(2);
  if (!delta || scalar_value(*delta) != 1.0) i = e.mul(i, e.in(2));
  if (!start || scalar_value(*start) != 0.0) i = e.add(i, e.in(0));
  e.result(0, i);
  return "";
}

// Centered: what is missing is padded with zeros, what is too much is cut, the odd one at the end.
std::string center_crop_pad(Expansion& e) {
  const auto rank = e.rank(0);
  if (!rank) return "the rank of the input is not known";
  Ints axes;
  if (const Ints* a = e.integers("axes")) axes = *a;
  else
    for (std::int64_t k = 0; k < *rank; ++k) axes.push_back(k);
  const auto count = length_of(e.in(1));
  if (!count || *count != static_cast<std::int64_t>(axes.size())) return "non-constant operand: shape of unknown length";
  std::vector<Index> starts, ends, pads(2 * static_cast<std::size_t>(*rank), Index(std::int64_t{0}));
  const auto half = [&](const Index& i) { return i.number ? Index(*i.number / 2) : Index(e.div(i.value, e.ints({2}, "two"))); };
  for (std::size_t k = 0; k < axes.size(); ++k) {
    axes[k] += axes[k] < 0 ? *rank : 0;
    const Index size = dim_of(e, e.in(0), axes[k]), target = element(e, e.in(1), static_cast<std::int64_t>(k));
    const Index more = max(e, sub(e, target, size), 0), less = max(e, sub(e, size, target), 0);
    const Index before = half(more);
    pads[static_cast<std::size_t>(axes[k])] = before;
    pads[static_cast<std::size_t>(*rank + axes[k])] = sub(e, more, before);
    starts.push_back(half(less));
    ends.push_back(add(e, starts.back(), min(e, target, size)));
  }
  Value* x = e.op("Slice", {e.in(0), vector_of(e, starts), vector_of(e, ends), e.ints(axes, "axes")});
  e.result(0, e.op("Pad", {x, vector_of(e, pads)}));
  return "";
}

// A mask of rows and columns chooses.
std::string trilu(Expansion& e) {
  const auto rank = e.rank(0);
  if (!rank || *rank < 2) return "the rank of the input is not known";
  const bool upper = e.integer("upper", 1) != 0;
  auto k = e.has(1) ? e.constant_ints(1) : std::optional<Ints>(Ints{0});
  if (k && k->size() != 1) k.reset();
  const Index rows = dim_of(e, e.in(0), *rank - 2), columns = dim_of(e, e.in(0), *rank - 1);
  Value* mask;
  if (k && rows.number && columns.number && *rows.number * *columns.number <= kMostMade * 16) {
    const std::int64_t r = *rows.number, c = *columns.number, shift = k->at(0);
    std::vector<std::byte> bits(static_cast<std::size_t>(r * c));
    for (std::int64_t i = 0; i < r; ++i)
      for (std::int64_t j = 0; j < c; ++j) bits[static_cast<std::size_t>(i * c + j)] = std::byte((upper ? j - i >= shift : j - i <= shift) ? 1 : 0);
    mask = e.tensor(Tensor::from_bytes(DType::boolean, {r, c}, std::move(bits)), "mask");
  } else {
    Value* i = e.unsqueeze(range(e, 0, rows), {1});
    Value* j = e.unsqueeze(range(e, 0, columns), {0});
    Value* shift = e.has(1) ? e.in(1) : e.index(0);
    Value* border = e.add(i, shift);
    mask = e.op(upper ? "Less" : "Greater", {j, border});  // what falls away
    mask = e.op("Not", {mask});
  }
  const DType t = e.dtype(0);
  if (t == DType::boolean) {
    e.result(0, e.op("And", {mask, e.in(0)}));
    return "";
  }
  const auto zero = float_scalar(t, 0);
  if (!zero) return "type: Trilu of this type";
  e.result(0, e.op("Where", {mask, e.in(0), e.tensor(*zero)}));
  return "";
}

// Sizes that are computed, before opset 13, or num_outputs along an axis of unknown size: one Slice a part.
std::string split(Expansion& e) {
  const auto rank = e.rank(0);
  std::int64_t axis = e.integer("axis", 0);
  axis += axis < 0 && rank ? *rank : 0;
  const std::size_t parts = e.node().outputs().size();
  Index at = 0;
  const Index size = rank ? dim_of(e, e.in(0), axis) : Index(e.slice(e.shape_value(e.in(0)), axis, axis == -1 ? INT64_MAX : axis + 1, 0));
  const auto n = static_cast<std::int64_t>(parts);
  std::optional<Index> each;  // rounded up: the last part is what remains
  if (!e.has(1)) each = size.number ? Index((*size.number + n - 1) / n) : Index(e.div(add(e, size, n - 1).value, e.ints({n}, "parts")));
  for (std::size_t k = 0; k < parts; ++k) {
    const Index length = e.has(1) ? element(e, e.in(1), static_cast<std::int64_t>(k)) : *each;
    const Index end = add(e, at, length);
    e.result(k, e.op("Slice", {e.in(0), vector_of(e, at), vector_of(e, end), e.ints({axis}, "axes")}));
    at = end;
  }
  return "";
}

namespace {

// Axes that count from the end of an input of unknown rank: of the result's last places some are 1, the others the input's last sizes.
std::string unsqueeze_from_the_end(Expansion& e, const Ints& axes) {
  if (axes.empty() || std::ranges::any_of(axes, [](std::int64_t a) { return a >= 0; })) return "the rank of the input is not known";
  const std::int64_t places = -std::ranges::min(axes), kept = places - static_cast<std::int64_t>(axes.size());
  Value* shape = e.shape_value(e.in(0));
  std::vector<Value*> parts{kept == 0 ? shape : e.slice(shape, 0, -kept, 0)};
  for (std::int64_t place = -places, left = kept; place < 0; ++place) {
    if (std::ranges::find(axes, place) != axes.end()) parts.push_back(e.ints({1}));
    else {
      parts.push_back(e.slice(shape, -left, left == 1 ? INT64_MAX : 1 - left, 0));
      --left;
    }
  }
  e.result(0, e.op("Reshape", {e.in(0), e.concat(std::move(parts), 0)}, {{"allowzero", std::int64_t{1}}}));
  return "";
}

// How many elements a vector has.
Index length_index(Expansion& e, Value* vector, std::optional<std::int64_t> known) { return known ? Index(*known) : Index(e.shape_value(vector)); }

// bool [all, axes]: whether an axis, which may count from the end of `all`, names a place.
Value* named_places(Expansion& e, Value* axes, const Index& all) {
  Value* at = e.cast(axes, DType::int64);
  at = e.add(at, e.mul(e.cast(e.op("Less", {at, e.index(0)}), DType::int64), scalar_of(e, all)));
  return e.op("Equal", {e.unsqueeze(range(e, 0, all), {1}), e.unsqueeze(at, {0})});
}

}  // namespace

// Axes that are computed, before opset 13.
std::string unsqueeze(Expansion& e) {
  const Shape* s = Expansion::shape_of(e.node().output());
  std::vector<Index> dims;
  std::size_t unknown = 0;
  for (std::size_t k = 0; s && k < s->size(); ++k) {
    unknown += (*s)[k].is_value() ? 0 : 1;
    dims.push_back((*s)[k].is_value() ? (*s)[k].value() : -1);
  }
  if (s && unknown < 2) {
    e.result(0, e.op("Reshape", {e.in(0), vector_of(e, dims)}));
    return "";
  }
  const auto rank = e.rank(0), count = e.has(1) ? length_of(e.in(1)) : std::nullopt;
  if (!e.has(1)) return kOtherReason;
  if (const auto axes = e.constant_ints(1)) return rank ? kOtherReason : unsqueeze_from_the_end(e, *axes);
  Value* sizes = e.shape_value(e.in(0));
  const Index all = add(e, length_index(e, sizes, rank), length_index(e, e.in(1), count));
  Value* hits = e.cast(named_places(e, e.in(1), all), DType::float32);
  Value* ones = e.reduce("ReduceSum", hits, {1}, false);
  Value* places = range(e, 0, all);
  Value* earlier;
  if (all.number) {
    std::vector<float> before;
    for (std::int64_t i = 0; i < *all.number; ++i)
      for (std::int64_t j = 0; j < *all.number; ++j) before.push_back(i < j ? 1.0f : 0.0f);
    earlier = e.tensor(Tensor::of<float>({*all.number, *all.number}, before), "before");
  } else {
    earlier = e.cast(e.op("Less", {e.unsqueeze(places, {1}), e.unsqueeze(places, {0})}), DType::float32);
  }
  Value* passed = e.op("MatMul", {ones, earlier});  // place j of the result is 1, or size j less the ones before it
  Value* from = e.mul(e.sub(places, e.cast(passed, DType::int64)), e.cast(e.op("Not", {e.cast(ones, DType::boolean)}), DType::int64));
  if (!rank || *rank == 0) sizes = e.concat({sizes, e.ints({1}, "one")}, 0);  // that there is one to look at
  sizes = e.op("Gather", {sizes, from}, {{"axis", std::int64_t{0}}});
  Value* inserted = e.cast(ones, DType::int64);
  Value* shape = e.add(inserted, e.mul(sizes, e.sub(e.index(1), inserted)));
  e.result(0, e.op("Reshape", {e.in(0), shape}, {{"allowzero", std::int64_t{1}}}));
  return "";
}

// Axes that are computed, before opset 13: the sizes of the others are left.
std::string squeeze(Expansion& e) {
  const auto rank = e.rank(0);
  if (!e.has(1) || e.constant_ints(1)) return kOtherReason;
  Value* sizes = e.shape_value(e.in(0));
  Value* hits = e.cast(named_places(e, e.in(1), length_index(e, sizes, rank)), DType::float32);
  Value* others = e.op("Not", {e.cast(e.reduce("ReduceSum", hits, {1}, false), DType::boolean)});
  Value* shape = e.op("Compress", {sizes, others}, {{"axis", std::int64_t{0}}});
  if (const auto count = length_of(e.in(1)); count && rank) shape->type = Type::tensor(DType::int64, Shape{Dim(*rank - *count)});
  e.result(0, e.op("Reshape", {e.in(0), shape}, {{"allowzero", std::int64_t{1}}}));
  return "";
}

}  // namespace onnxopt::expand_fn
