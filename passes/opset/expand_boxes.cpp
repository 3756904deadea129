// NonMaxSuppression before opset 10.
#include "passes/opset/expand_body.h"
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

using Body = ExpansionBody;

constexpr double kDead = -3.4028234663852886e38;  // below every score that is looked at
constexpr double kLargest = 3e38;

// Corners and areas, each [batches, 1, boxes].
struct Boxes {
  Value *left, *right, *top, *bottom, *area;
};

Value* coordinate(Expansion& e, Value* boxes, std::int64_t i) {
  return e.unsqueeze(e.op("Gather", {boxes, e.index(i)}, {{"axis", std::int64_t{2}}}), {1});
}

Boxes read_boxes(Expansion& e, Value* boxes) {
  Value *a = coordinate(e, boxes, 0), *b = coordinate(e, boxes, 1), *c = coordinate(e, boxes, 2), *d = coordinate(e, boxes, 3);
  Boxes r{};
  if (e.integer("center_point_box", 0) != 0) {
    Value *half_width = e.div(c, e.scalar(DType::float32, 2)), *half_height = e.div(d, e.scalar(DType::float32, 2));
    r = {e.sub(a, half_width), e.add(a, half_width), e.sub(b, half_height), e.add(b, half_height), nullptr};
  } else {  // two opposite corners, in any order
    r = {e.op("Min", {b, d}), e.op("Max", {b, d}), e.op("Min", {a, c}), e.op("Max", {a, c}), nullptr};
  }
  r.area = e.mul(e.sub(r.right, r.left), e.sub(r.bottom, r.top));
  return r;
}

// The box that was picked in each row, [batches, classes, 1].
Boxes picked_of(Expansion& e, Body& body, const Boxes& all, Value* at) {
  const auto pick = [&](Value* v) { return body.op("Gather", {e.reshape(v, {-1}), at}, {{"axis", std::int64_t{0}}}); };
  return {pick(all.left), pick(all.right), pick(all.top), pick(all.bottom), pick(all.area)};
}

// Whether boxes overlap by more than the threshold.
Value* overlaps(Expansion& e, Body& b, const Boxes& x, const Boxes& y, Value* threshold) {
  Value* zero = e.scalar(DType::float32, 0);
  Value* width = b.op("Sub", {b.op("Min", {x.right, y.right}), b.op("Max", {x.left, y.left})});
  Value* height = b.op("Sub", {b.op("Min", {x.bottom, y.bottom}), b.op("Max", {x.top, y.top})});
  Value* common = b.op("Mul", {width, height});
  Value* share = b.op("Div", {common, b.op("Sub", {b.op("Add", {x.area, y.area}), common})});
  Value* meet = b.op("And", {b.op("Greater", {width, zero}), b.op("Greater", {height, zero})});
  return b.op("And", {meet, b.op("Greater", {share, threshold})});
}

// A box more that is never chosen, so that there is one to look at.
Value* with_one_more(Expansion& e, Value* v, std::int64_t axis, double fill) {
  std::vector<Index> dims = dims_of(e, v);
  dims[static_cast<std::size_t>(axis)] = 1;
  return e.concat({v, e.op("Expand", {e.scalar(DType::float32, fill), vector_of(e, dims)})}, axis);
}

struct Search {
  Boxes boxes;
  Value* scores;     // those that are out of question are kDead
  Value* threshold;  // of the overlap
  Index most = 0, count = 0, batches = 0;
};

// One round: the best box of each row is taken, and goes with all that it overlaps.
void round(Expansion& e, Body& b, const Search& s) {
  const Type state = Type::tensor(DType::float32, Shape{Dim(), Dim(), Dim()}), place = Type::tensor(DType::int64, Shape{Dim(), Dim(), Dim(1)});
  const Type condition = Type::tensor(DType::boolean, Dims{});
  Value* low = e.scalar(DType::float32, -3.2e38);
  b.input("i", Type::tensor(DType::int64, Dims{}));
  b.input("go", condition);
  Value* scores = b.input("scores", state);
  Value* best = b.op("ArgMax", {scores}, {{"axis", std::int64_t{2}}, {"keepdims", std::int64_t{1}}});
  Value* found = b.op("Greater", {b.op("ReduceMax", {scores, e.ints({2}, "axes")}, {{"keepdims", std::int64_t{1}}}), low});
  Value* rows = e.mul(range(e, 0, s.batches), vector_of(e, s.count));
  const Boxes picked = picked_of(e, b, s.boxes, b.op("Add", {best, e.unsqueeze(rows, {1, 2})}));
  Value* gone = b.op("Or", {b.op("Equal", {range(e, 0, s.count), best}), overlaps(e, b, picked, s.boxes, s.threshold)});
  Value* out = b.op("Cast", {gone}, {{"to", static_cast<std::int64_t>(DType::float32)}});
  Value* stays = b.op("Mul", {scores, b.op("Sub", {e.scalar(DType::float32, 1), out})});
  Value* left = b.op("Add", {stays, b.op("Mul", {out, e.scalar(DType::float32, kDead)})});
  b.output(b.op("Greater", {b.op("ReduceMax", {left}, {{"keepdims", std::int64_t{0}}}), low}), condition);
  b.output(left, state);
  b.output(best, place);
  b.output(b.op("Cast", {found}, {{"to", static_cast<std::int64_t>(DType::float32)}}), Type::tensor(DType::float32, *place.shape));
}

// [batch, class, box] of all that were found, row by row.
Value* selection(Expansion& e, const Search& s, Value* found, Value* places) {
  const auto rows_first = [&](Value* v) { return e.transpose(e.squeeze(v, {3}), {1, 2, 0}); };
  Value* by_row = rows_first(found);
  if (!s.most.number) by_row = e.mul(by_row, e.cast(e.op("Greater", {vector_of(e, s.most), e.ints({0}, "zero")}), DType::float32));
  Value* at = e.op("NonZero", {by_row});
  const auto line = [&](std::int64_t i) { return e.slice(at, i, i + 1, 0); };
  Value* shape = e.shape_value(by_row);
  Value* flat = e.add(e.mul(line(0), e.slice(shape, 1, 2, 0)), line(1));
  flat = e.add(e.mul(flat, e.slice(shape, 2, 3, 0)), line(2));
  Value* box = e.op("Gather", {e.reshape(rows_first(places), {-1}), flat}, {{"axis", std::int64_t{0}}});
  return e.transpose(e.concat({e.slice(at, 0, 2, 0), box}, 0), {1, 0});
}

}  // namespace

// As many rounds as boxes may be chosen of one class, in each of which all classes of all batches choose their next one. Scores beyond 3e38 count
// as that.
std::string non_max_suppression(Expansion& e) {
  const Shape *boxes = e.shape(0), *scores = e.shape(1);
  if (e.opset() >= 10) return kOtherReason;
  if (!boxes || !scores || boxes->size() != 3 || scores->size() != 3) return "the shapes of boxes and scores are not known";
  Search s;
  s.most = e.has(2) ? element(e, e.rank(2) == 1 ? e.in(2) : e.reshape(e.in(2), {1}), 0) : Index(std::int64_t{0});
  if (e.constant_ints(2) && e.constant_ints(2)->size() == 1) s.most = e.constant_ints(2)->front();
  if (s.most.number && *s.most.number <= 0) {
    e.result(0, e.op("Identity", {e.tensor(Tensor::zeros(DType::int64, {0, 3}), "none")}));
    return "";
  }
  Value *all = e.in(0), *clipped = e.op("Clip", {e.in(1), e.scalar(DType::float32, -kLargest), e.scalar(DType::float32, kLargest)});
  if (e.has(4)) clipped = e.op("Where", {e.op("Greater", {e.in(1), e.in(4)}), clipped, e.scalar(DType::float32, kDead)});
  if (const Dim& n = (*scores)[2]; !n.is_value() || n.value() < 1) {
    all = with_one_more(e, all, 1, 0);
    clipped = with_one_more(e, clipped, 2, kDead);
  }
  s.scores = clipped;
  s.threshold = e.has(3) ? e.in(3) : e.scalar(DType::float32, 0);
  s.boxes = read_boxes(e, all);
  s.count = dim_of(e, clipped, 2);
  s.batches = dim_of(e, clipped, 0);
  Body body(e, "choose");
  round(e, body, s);
  Value* rounds = scalar_of(e, max(e, min(e, s.most, s.count), 1));
  Node& loop = e.make("Loop", {rounds, e.tensor(Tensor::scalar<bool>(true), "go"), s.scores}, {}, 3);
  body.give_to(loop);
  loop.output(0)->type = Type::tensor(DType::float32, Shape{Dim(), Dim(), Dim()});
  loop.output(1)->type = Type::tensor(DType::int64, Shape{Dim(), Dim(), Dim(), Dim(1)});
  loop.output(2)->type = Type::tensor(DType::float32, Shape{Dim(), Dim(), Dim(), Dim(1)});
  e.result(0, selection(e, s, loop.output(2), loop.output(1)));
  return "";
}

}  // namespace onnxopt::expand_fn
