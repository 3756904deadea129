// Sorting by comparing each with each, where there is no operator for it: Unique before opset 11, TopK of 64-bit integers or of unknown sizes.
#include <algorithm>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

constexpr DType kCount = DType::float32;  // exact up to 2^24; what is compared is the square of that
constexpr std::int64_t kMostCompared = std::int64_t{1} << 27;

bool comparable(DType t) { return (is_integer(t) && bit_width(t) >= 8) || t == DType::float16 || t == DType::float32 || t == DType::float64; }

Value* and_(Expansion& e, Value* a, Value* b) { return e.op("And", {a, b}); }
Value* not_(Expansion& e, Value* v) { return e.op("Not", {v}); }

// a < b, NaN behind everything and like itself.
Value* sorts_before(Expansion& e, Value* a, Value* b) {
  Value* less = e.op("Less", {a, b});
  if (!is_float(Expansion::dtype_of_value(a))) return less;
  Value *nan_a = e.op("IsNaN", {a}), *nan_b = e.op("IsNaN", {b});
  return e.op("Or", {less, and_(e, nan_b, not_(e, nan_a))});
}

bool too_large(const Index& n, const Index& rest) {
  const std::int64_t lines = rest.number.value_or(1);
  return n.number && *n.number > 0 &&
         (*n.number > kMostCompared / *n.number || *n.number * *n.number * std::max<std::int64_t>(lines, 1) > kMostCompared);
}

// How rows of [n, m] stand to each other: bool [n, n], whether row i sorts before row j, and whether they are alike. The first unlike elements say.
struct Order {
  Value *before, *same;
};
Order order_of(Expansion& e, Value* rows, bool one_column) {
  if (one_column) {
    Value *a = e.reshape(rows, {-1, 1}), *b = e.reshape(rows, {1, -1});
    Value *less = sorts_before(e, a, b), *more = sorts_before(e, b, a);
    return {less, not_(e, e.op("Or", {less, more}))};
  }
  Value *a = e.unsqueeze(rows, {1}), *b = e.unsqueeze(rows, {0});
  Value* way = e.sub(e.cast(sorts_before(e, b, a), kCount), e.cast(sorts_before(e, a, b), kCount));  // [n, n, m]: 1 behind, -1 before
  Value* unlike = e.op("Abs", {way});
  Value* first = e.op("ArgMax", {unlike}, {{"axis", std::int64_t{2}}});
  Value* here = e.op("Equal", {range(e, 0, dim_of(e, rows, 1)), first});
  Value* says = e.reduce("ReduceSum", e.mul(way, e.cast(here, kCount)), {2}, false);
  return {e.op("Less", {says, e.scalar(kCount, 0)}), not_(e, e.cast(says, DType::boolean))};
}

Value* total(Expansion& e, Value* counts, std::int64_t axis) { return e.reduce("ReduceSum", counts, {axis}, false); }

}  // namespace

std::string unique(Expansion& e) {
  const auto rank = e.rank(0);
  const DType t = e.dtype(0);
  const bool flat = !e.node().attrs().has("axis"), sorted = e.integer("sorted", 1) != 0;
  if (!rank || (!flat && *rank == 0)) return "the rank of the input is not known";
  if (e.opset() >= 11) return kOtherReason;
  if (!comparable(t) && t != DType::boolean) return "type: Unique of this type before opset 11";
  std::int64_t axis = flat ? 0 : e.integer("axis", 0);
  axis += axis < 0 ? *rank : 0;
  Value* x = flat ? e.reshape(e.in(0), {-1}) : e.in(0);
  const std::vector<Index> dims = dims_of(e, x);
  std::vector<Index> others = dims;
  others.erase(others.begin() + axis);
  const Index n = dims[static_cast<std::size_t>(axis)], width = product(e, others);
  if (too_large(n, width) || width.number == 0) return "no decomposition: a tensor of this size, each compared with each";
  Value* rows = t == DType::boolean ? e.cast(x, DType::int32) : x;
  if (axis != 0) {
    Ints perm{axis};
    for (std::int64_t k = 0; k < *rank; ++k)
      if (k != axis) perm.push_back(k);
    rows = e.transpose(rows, perm);
  }
  rows = e.op("Reshape", {rows, vector_of(e, {n, width})});
  const Order order = order_of(e, rows, width.number == 1);
  Value* own = range(e, 0, n);
  Value* earlier = e.op("Less", {e.unsqueeze(own, {1}), e.unsqueeze(own, {0})});  // [i, j]: i stands in front of j
  Value* same = e.cast(order.same, kCount);
  Value* first = e.cast(not_(e, e.cast(total(e, e.mul(same, e.cast(earlier, kCount)), 0), DType::boolean)), kCount);  // none like it in front
  Value* firsts = e.unsqueeze(first, {1});
  Value* place;  // of each row among the unique ones
  if (sorted) place = total(e, e.mul(firsts, e.cast(order.before, kCount)), 0);
  else {
    Value* met = total(e, e.mul(firsts, e.cast(earlier, kCount)), 0);
    place = total(e, e.mul(e.mul(firsts, same), e.unsqueeze(met, {1})), 0);
  }
  place = e.cast(place, DType::int64);
  const Index count(e.reshape(e.cast(e.reduce("ReduceSum", first, {0}), DType::int64), {1}));
  Value* hits = e.cast(e.op("Equal", {e.unsqueeze(range(e, 0, count), {1}), e.unsqueeze(place, {0})}), kCount);  // [unique, n]
  Value* at = e.cast(total(e, e.mul(hits, e.mul(e.cast(own, kCount), first)), 1), DType::int64);
  e.result(0, e.op("Gather", {x, at}, {{"axis", axis}}));
  if (e.used(1)) e.result(1, e.op("Identity", {at}));
  if (e.used(2)) e.result(2, place);
  if (e.used(3)) e.result(3, e.cast(total(e, hits, 1), DType::int64));
  return "";
}

namespace {

// The place of each element along the last axis is the number of those in front of it.
std::string top_by_comparing(Expansion& e, std::int64_t axis) {
  const auto rank = *e.rank(0);
  const bool largest = e.integer("largest", 1) != 0;
  Ints to_back;
  for (std::int64_t k = 0; k < rank; ++k)
    if (k != axis) to_back.push_back(k);
  to_back.push_back(axis);
  Ints back(to_back.size());
  for (std::size_t k = 0; k < to_back.size(); ++k) back[static_cast<std::size_t>(to_back[k])] = static_cast<std::int64_t>(k);
  const auto moved = [&](Value* v, const Ints& perm) { return axis == rank - 1 ? v : e.transpose(v, perm); };
  std::vector<Index> others = dims_of(e, e.in(0));
  const Index n = others[static_cast<std::size_t>(axis)];
  others.erase(others.begin() + axis);
  if (too_large(n, product(e, others))) return "no decomposition: a tensor of this size, each compared with each";
  Value* x = moved(e.in(0), to_back);
  Value *a = e.unsqueeze(x, {rank}), *b = e.unsqueeze(x, {rank - 1});  // i, j
  Value *less = sorts_before(e, a, b), *more = sorts_before(e, b, a);
  Value* own = range(e, 0, n);
  Value* earlier = e.op("Less", {e.unsqueeze(own, {1}), e.unsqueeze(own, {0})});
  Value* ties = and_(e, not_(e, e.op("Or", {less, more})), earlier);
  Value* place = total(e, e.cast(e.op("Or", {largest ? more : less, ties}), kCount), rank - 1);
  Value* k = e.reshape(e.cast(e.in(1), DType::int64), {1});
  const auto stated = e.constant_ints(1);
  Value* wanted = e.cast(e.unsqueeze(range(e, 0, stated ? Index(stated->front()) : Index(k)), {1}), kCount);
  Value* hits = e.cast(e.op("Equal", {wanted, e.unsqueeze(place, {rank - 1})}), kCount);  // [..., k, n]
  Value* at = e.cast(total(e, e.mul(hits, e.cast(own, kCount)), rank), DType::int64);
  if (e.used(0)) e.result(0, moved(e.op("GatherElements", {x, at}, {{"axis", rank - 1}}), back));
  if (e.used(1)) e.result(1, moved(at, back));
  return "";
}

}  // namespace

// Integers and the smallest came with opset 11, a computed K with 10.
std::string top_k(Expansion& e) {
  const DType t = e.dtype(0);
  const auto rank = e.rank(0);
  const auto k = e.constant_ints(1);
  if (!comparable(t)) return kOtherReason;
  const bool plain = t == DType::float32 || t == DType::float64 || t == DType::float16;
  const bool fixed = e.opset() >= 10 || (k && k->size() == 1), floats = plain || bit_width(t) <= 32;
  std::int64_t axis = e.integer("axis", -1);
  if (rank) axis += axis < 0 ? *rank : 0;
  if ((!fixed || !floats) && (!rank || *rank == 0)) return "the rank of the input is not known";
  const Index n = rank && *rank > 0 ? dim_of(e, e.in(0), axis) : Index(std::int64_t{0});
  if (!floats || (!fixed && !n.number)) return top_by_comparing(e, axis);
  if (plain && fixed && e.integer("largest", 1) != 0) return kOtherReason;
  const auto picked = [&](Value* v) {  // all are sorted, and the first taken
    return fixed ? v : e.op("Gather", {v, range(e, 0, Index(e.reshape(e.cast(e.in(1), DType::int64), {1})))}, {{"axis", axis}});
  };
  const DType way = plain ? t : DType::float64;  // exact
  Value* x = e.cast(e.in(0), way);
  const bool turns = e.integer("largest", 1) == 0;
  Attrs attrs = e.node().attrs();
  attrs.remove("largest");
  Node& top = e.make("TopK", {turns ? e.op("Neg", {x}) : x, fixed ? e.in(1) : e.ints({*n.number}, "K")}, std::move(attrs), 2);
  if (e.used(0)) e.result(0, e.cast(turns ? e.op("Neg", {picked(top.output(0))}) : picked(top.output(0)), t));
  if (e.used(1)) e.result(1, picked(top.output(1)));
  return "";
}

}  // namespace onnxopt::expand_fn
