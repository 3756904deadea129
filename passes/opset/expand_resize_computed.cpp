// Resize by sizes or scales that are known only when the model runs, along axes of any size: the coordinates are computed, in float32 where
// elements are picked, as runtimes do, and gathered, axis by axis.
#include <algorithm>
#include <cmath>

#include "passes/opset/expand_body.h"
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

constexpr DType kFloat = DType::float32;

Value* number(Expansion& e, double v, DType t = kFloat) { return e.scalar(t, v); }
Value* as_float(Expansion& e, const Index& i, DType t = kFloat) {
  if (!i.number) return e.cast(i.value, t);
  const auto v = static_cast<double>(*i.number);
  return e.tensor(t == kFloat ? Tensor::of<float>({1}, {static_cast<float>(v)}) : Tensor::of<double>({1}, {v}), "size");
}
// Of whole numbers, and of what lies between them: Max and Min did not broadcast before opset 8.
Value* not_below_zero(Expansion& e, Value* x) { return e.op("Relu", {x}); }
Value* not_above(Expansion& e, Value* x, Value* most) { return e.sub(most, e.op("Relu", {e.sub(most, x)})); }

struct Axis {
  std::int64_t at;
  Index in, out;
  Value *scale, *from, *to;  // [1]; from, to: of roi, where the mode looks there
  DType way;                 // in which coordinates are computed
};

// [n]: where each output element lies in the input; null: a mode that is not known here.
Value* positions(Expansion& e, const Axis& a, const std::string& mode) {
  const DType t = a.way;
  Value* i = e.cast(range(e, 0, a.out), t);
  Value *half = number(e, 0.5, t), *one = number(e, 1, t);
  const auto centers = [&] { return e.sub(e.div(e.add(i, half), a.scale), half); };
  const auto several = [&] { return e.cast(e.op("Greater", {as_float(e, a.out, t), one}), t); };  // 1, or 0 for one element
  const auto gaps = [&] { return e.add(not_below_zero(e, e.sub(as_float(e, a.out, t), number(e, 2, t))), one); };
  if (mode == "asymmetric") return e.div(i, a.scale);
  if (mode == "half_pixel") return centers();
  if (mode == "tf_half_pixel_for_nn") return e.div(e.add(i, half), a.scale);
  if (mode == "half_pixel_symmetric") {
    Value* in = as_float(e, a.in, t);
    Value* rest = e.sub(one, e.div(as_float(e, a.out, t), e.mul(a.scale, in)));
    return e.add(e.mul(e.mul(in, half), rest), centers());
  }
  if (mode == "pytorch_half_pixel") return e.mul(centers(), several());
  Value* last = e.sub(as_float(e, a.in, t), one);
  if (mode == "align_corners") return e.div(e.mul(i, last), gaps());
  if (mode != "tf_crop_and_resize" || !a.from || !a.to) return nullptr;
  Value* many = several();
  Value* along = e.add(e.mul(a.from, last), e.div(e.mul(e.mul(i, e.sub(a.to, a.from)), last), gaps()));
  Value* middle = e.mul(e.mul(e.add(a.from, a.to), half), last);
  return e.add(e.mul(along, many), e.mul(middle, e.sub(one, many)));
}

Value* rounded(Expansion& e, const std::string& mode, Value* x, Value* scale) {
  if (mode == "floor") return e.op("Floor", {x});
  if (mode == "ceil") return e.op("Ceil", {x});
  if (mode == "round_prefer_floor") return e.op("Ceil", {e.sub(x, number(e, 0.5))});
  if (mode == "round_prefer_ceil") return e.op("Floor", {e.add(x, number(e, 0.5))});
  Value* up = e.cast(e.op("Less", {scale, number(e, 1)}), kFloat);  // before opset 11: up where the axis shrinks
  Value* low = e.op("Floor", {x});
  return e.add(low, e.mul(e.sub(e.op("Ceil", {x}), low), up));
}

Value* gather(Expansion& e, Value* x, Value* index, std::int64_t axis) { return e.op("Gather", {x, e.cast(index, DType::int64)}, {{"axis", axis}}); }

// Sum of weighted picks around p along the axis: two, or four for cubic.
Value* blended(Expansion& e, const Axis& a, Value* x, Value* p, Value* last, const Ints& along, bool cubic) {
  const DType t = a.way;
  if (!cubic) p = not_above(e, not_below_zero(e, p), last);
  Value* low = e.op("Floor", {p});
  Value* rest = e.sub(p, low);
  const float c = e.real("cubic_coeff_a", -0.75f);
  const auto times = [&](double f, Value* v) { return e.mul(number(e, f, t), v); };
  const auto near = [&](Value* d) {  // ((c + 2) d - (c + 3)) d d + 1
    return e.add(e.mul(e.sub(times(c + 2, d), number(e, c + 3, t)), e.mul(d, d)), number(e, 1, t));
  };
  const auto far = [&](Value* d) {  // ((c d - 5 c) d + 8 c) d - 4 c
    return e.sub(e.mul(e.add(e.mul(e.sub(times(c, d), number(e, 5 * c, t)), d), number(e, 8 * c, t)), d), number(e, 4 * c, t));
  };
  Value* back = e.sub(number(e, 1, t), rest);
  std::vector<Value*> weights{back, rest};
  if (cubic) weights = {far(e.add(rest, number(e, 1, t))), near(rest), near(back), far(e.add(back, number(e, 1, t)))};
  std::vector<Value*> index;
  Value* total = nullptr;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double offset = static_cast<double>(k) - (cubic ? 1 : 0);
    Value* at = offset == 0 ? low : e.add(low, number(e, offset, t));
    index.push_back(not_above(e, not_below_zero(e, at), last));
    if (!cubic || e.integer("exclude_outside", 0) == 0) continue;
    weights[k] = e.mul(weights[k], e.cast(e.op("Not", {e.op("Or", {e.op("Less", {at, number(e, 0, t)}), e.op("Greater", {at, last})})}), t));
    total = total ? e.add(total, weights[k]) : weights[k];
  }
  Value* sum = nullptr;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    Value* part = e.mul(gather(e, x, index[k], a.at), e.reshape(e.cast(total ? e.div(weights[k], total) : weights[k], kFloat), along));
    sum = sum ? e.add(sum, part) : part;
  }
  return sum;
}

// The same over as many elements as one of the result covers where it shrinks: their number is known only then, so a Loop adds them up.
Value* blended_smoothly(Expansion& e, const Axis& a, Value* x, Value* p, Value* last, const Ints& along, bool cubic) {
  Value* one = number(e, 1);
  Value* shrink = not_above(e, a.scale, one);
  Value* reach = e.div(number(e, cubic ? 2 : 1), shrink);
  Value* before = e.add(e.op("Floor", {e.op("Neg", {reach})}), one);
  Value* taps = e.cast(e.sub(number(e, 2), e.mul(before, number(e, 2))), DType::int64);
  Value* first = e.add(e.sub(e.op("Ceil", {p}), one), before);
  const double c = e.real("cubic_coeff_a", -0.75f);
  std::vector<Index> dims = dims_of(e, x);
  dims[static_cast<std::size_t>(a.at)] = a.out;
  Value* nothing = e.op("Expand", {number(e, 0), vector_of(e, dims)});
  Shape shape = *Expansion::shape_of(x);
  shape[static_cast<std::size_t>(a.at)] = a.out.number ? Dim(*a.out.number) : Dim();
  const Type state = Type::tensor(kFloat, shape), line = Type::tensor(kFloat, Shape{shape[static_cast<std::size_t>(a.at)]});
  ExpansionBody b(e, "tap");
  Value* i = b.input("i", Type::tensor(DType::int64, Dims{}));
  Value* go = b.input("go", Type::tensor(DType::boolean, Dims{}));
  Value *sum = b.input("sum", state), *total = b.input("total", line);
  const auto to = [&](DType t) { return Attrs{{"to", static_cast<std::int64_t>(t)}}; };
  const auto less = [&](Value* u, Value* v) { return b.op("Cast", {b.op("Less", {u, v})}, to(kFloat)); };
  const auto times = [&](Value* u, Value* v) { return b.op("Mul", {u, v}); };
  Value* at = b.op("Add", {first, b.op("Cast", {i}, to(kFloat))});
  Value* d = b.op("Abs", {times(b.op("Sub", {at, p}), shrink)});
  Value* weight;
  if (cubic) {
    Value* near = times(b.op("Sub", {times(number(e, c + 2), d), number(e, c + 3)}), times(d, d));
    near = b.op("Add", {near, one});
    Value* far = b.op("Sub", {times(number(e, c), d), number(e, 5 * c)});
    far = b.op("Sub", {times(b.op("Add", {times(far, d), number(e, 8 * c)}), d), number(e, 4 * c)});
    Value* beyond = less(one, d);
    weight = b.op("Add", {times(near, b.op("Sub", {one, beyond})), times(far, times(beyond, less(d, number(e, 2))))});
  } else {
    weight = b.op("Relu", {b.op("Sub", {one, d})});
  }
  if (e.integer("exclude_outside", 0) != 0) weight = times(weight, b.op("Sub", {one, b.op("Add", {less(at, number(e, 0)), less(last, at)})}));
  Value* inside = b.op("Sub", {last, b.op("Relu", {b.op("Sub", {last, b.op("Relu", {at})})})});
  Value* part = b.op("Gather", {x, b.op("Cast", {inside}, to(DType::int64))}, {{"axis", a.at}});
  b.output(go, go->type);
  b.output(b.op("Add", {sum, times(part, b.op("Reshape", {weight, e.ints(along)}))}), state);
  b.output(b.op("Add", {total, weight}), line);
  Value* empty = e.mul(p, number(e, 0));
  Node& loop = e.make("Loop", {e.squeeze(taps, {0}), e.tensor(Tensor::scalar<bool>(true), "go"), nothing, empty}, {}, 2);
  b.give_to(loop);
  loop.output(0)->type = state;
  loop.output(1)->type = line;
  return e.div(loop.output(0), e.reshape(loop.output(1), along));
}

// How the node says what size it wants: sizes, or scales (null: computed ones).
struct Wanted {
  bool by_sizes;
  std::size_t scales_at;  // input of the scales
  const Tensor* scales;
  bool crops;
  std::int64_t axes;  // how many
  Value* common;      // double [1]: the one scale of all axes, where their ratio is kept
  DType way;
};

// The smallest, or the largest, of the scales that the sizes say.
Value* common_scale(Expansion& e, Value* x, const Ints& axes, bool smallest) {
  const DType w = DType::float64;
  Value* best = nullptr;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const Index in = dim_of(e, x, axes[k]), out = element(e, e.in(3), static_cast<std::int64_t>(k));
    Value* scale = e.div(e.cast(vector_of(e, out), w), e.cast(vector_of(e, in), w));
    best = best ? e.op(smallest ? "Min" : "Max", {best, scale}) : scale;
  }
  return best;
}

// Size, scale and, where it crops, region along the k-th of the axes, which is axis `at` of x.
Axis axis_of(Expansion& e, const Wanted& w, Value* x, std::int64_t k, std::int64_t at) {
  const auto float_at = [&](std::size_t input, std::int64_t i) { return e.cast(e.slice(e.in(input), i, i + 1, 0), w.way); };
  Axis a{at, dim_of(e, x, at), 1, nullptr, nullptr, nullptr, w.way};
  if (w.common) {
    const DType d = DType::float64;
    a.out = Index(e.cast(e.op("Floor", {e.add(e.mul(w.common, e.cast(vector_of(e, a.in), d)), e.scalar(d, 0.5))}), DType::int64));
    a.scale = e.cast(w.common, w.way);
  } else if (w.by_sizes) {
    a.out = element(e, e.in(3), k);
    a.scale = e.div(as_float(e, a.out, w.way), as_float(e, a.in, w.way));
  } else {
    Value* scale = w.scales ? e.tensor(Tensor::of<float>({1}, {w.scales->data<float>()[static_cast<std::size_t>(k)]}), "scale")
                            : e.cast(e.slice(e.in(w.scales_at), k, k + 1, 0), kFloat);
    a.scale = e.cast(scale, w.way);
    a.out = Index(e.cast(e.op("Floor", {e.mul(as_float(e, a.in), scale)}), DType::int64));
  }
  if (w.crops && e.has(1)) {
    a.from = float_at(1, k);
    a.to = float_at(1, w.axes + k);
  }
  return a;
}

}  // namespace

std::string resize_computed(Expansion& e) {
  const auto rank = e.rank(0);
  if (!rank) return "the rank of the input is not known";
  const std::string mode = e.text("mode", "nearest");
  const bool old = e.since() < 11, picks = mode == "nearest";
  const std::string where = old ? "asymmetric" : e.text("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = old ? "simple" : e.text("nearest_mode", "round_prefer_floor");
  if (!picks && mode != "linear" && mode != "cubic") return "non-constant operand: scales or sizes";
  const bool smooth = !picks && e.integer("antialias", 0) != 0;
  // Picked elements are those that runtimes pick; what lies between elements is the closer, the more digits there are of where.
  const DType t = e.dtype(0), way = picks || smooth ? kFloat : DType::float64;
  if (!picks && t != kFloat && t != DType::float16) return "type: Resize of this type";
  Ints axes;
  if (const Ints* a = e.integers("axes")) axes = *a;
  else
    for (std::int64_t k = 0; k < *rank; ++k) axes.push_back(k);
  const std::size_t scales_at = old ? 1 : 2;
  const bool by_sizes = !old && e.has(3) && !(e.constant(3) && e.constant(3)->size() == 0);
  if (!by_sizes && !e.has(scales_at)) return "non-constant operand: scales or sizes";
  const bool crops = where == "tf_crop_and_resize";
  const auto n = static_cast<std::int64_t>(axes.size());
  for (std::int64_t& a : axes) a += a < 0 ? *rank : 0;
  const std::string policy = e.text("keep_aspect_ratio_policy", "stretch");
  Value* common = by_sizes && policy != "stretch" ? common_scale(e, e.in(0), axes, policy == "not_larger") : nullptr;
  const Shape& from = *e.shape(0);
  const auto* known = by_sizes && e.in(3)->known ? &*e.in(3)->known : nullptr;
  const Tensor* scales = by_sizes ? nullptr : e.constant(scales_at);
  if (scales && scales->dtype() != kFloat) return "type: scales of this type";
  const bool whole = scales && std::ranges::all_of(scales->data<float>(), [](float v) { return v == std::floor(v); });
  if (!by_sizes && !whole && (crops || where == "align_corners"))
    return "non-constant operand: scales";  // sizes that are not whole: runtimes and the reference read them in two ways
  Value *x = picks ? e.in(0) : e.cast(e.in(0), kFloat), *outside = nullptr;
  for (std::int64_t k = 0; k < n; ++k) {
    const std::int64_t at = axes[static_cast<std::size_t>(k)];
    const Dim& d = from[static_cast<std::size_t>(at)];
    if (!crops && !common && known && same((*known)[static_cast<std::size_t>(k)], d)) continue;
    if (!crops && scales && scales->data<float>()[static_cast<std::size_t>(k)] == 1) continue;
    const Axis a = axis_of(e, {by_sizes, scales_at, scales, crops, n, common, way}, x, k, at);
    Value* p = positions(e, a, where);
    if (!p) return "no decomposition: coordinate_transformation_mode '" + where + "'";
    Value* last = e.sub(as_float(e, a.in, way), number(e, 1, way));
    Ints along(static_cast<std::size_t>(*rank), 1);
    along[static_cast<std::size_t>(at)] = -1;
    if (crops) {
      Value* o = e.reshape(e.op("Or", {e.op("Less", {p, number(e, 0, way)}), e.op("Greater", {p, last})}), along);
      outside = outside ? e.op("Or", {outside, o}) : o;
    }
    if (picks) {
      x = gather(e, x, not_above(e, not_below_zero(e, rounded(e, rounding, p, a.scale)), last), at);
      continue;
    }
    x = smooth ? blended_smoothly(e, a, x, p, last, along, mode == "cubic") : blended(e, a, x, p, last, along, mode == "cubic");
  }
  if (outside) {
    const auto value = float_scalar(picks ? t : kFloat, e.real("extrapolation_value", 0));
    if (!value) return "type: Resize of this type";
    x = e.op("Where", {outside, e.tensor(*value), x});
  }
  x = e.cast(x, t);
  e.result(0, x == e.in(0) ? e.op("Identity", {x}) : x);
  return "";
}

}  // namespace onnxopt::expand_fn
