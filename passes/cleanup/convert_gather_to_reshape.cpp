// y = Gather <axis = 0> (x, [0, 1, .. n-1])  ==>  y = Reshape (x)      n the dim of x, or the dims of x that a Flatten made one
// The indices are counted out at run time: Range, or i * columns + j of two Ranges, as x[i, j] of all i and j is exported (masks of transformers).
#include <algorithm>

#include "passes/cleanup/reshape_operand.h"

namespace onnxopt {
namespace {

constexpr int kMaxDepth = 8;

// Elements 0, step, 2 * step, ... along one axis of the indices; the same along all others.
struct Count {
  std::size_t from_end = 0;  // 1: the last axis
  Dim size, step;
};

bool is_ones_but(const Shape& s, std::size_t except) {
  for (std::size_t i = 0; i < s.size(); ++i)
    if (i != except && !s[i].is(1)) return false;
  return true;
}

// 0, 1, 2, ...: a Range, or such a constant.
bool counts_from_zero(const Value* v) {
  if (const Node* range = made_by(v, "Range")) {
    const auto start = known_int(range->input(0)), step = known_int(range->input(2));
    return start == 0 && step == 1;
  }
  const auto list = v->constant() && v->constant()->rank() == 1 && v->constant()->size() <= 4096 ? known_ints(v) : std::nullopt;
  if (!list || list->empty()) return false;
  for (std::size_t i = 0; i < list->size(); ++i)
    if ((*list)[i] != static_cast<std::int64_t>(i)) return false;
  return true;
}

// `v` is a count along one of its axes, all other dims are 1.
std::optional<Count> one_count(const Value* v) {
  const Shape* s = shape_of(v);
  if (!s || s->empty()) return std::nullopt;
  const Value* base = v;
  for (int i = 0; i < kMaxDepth && before_reshape(base); ++i) base = before_reshape(base);
  const Shape* list = shape_of(base);
  if (!list || list->size() != 1 || !counts_from_zero(base)) return std::nullopt;
  for (std::size_t i = s->size(); i-- > 0;)
    if (same((*s)[i], list->front()) && is_ones_but(*s, i)) return Count{s->size() - i, (*s)[i], Dim(1)};
  return std::nullopt;
}

bool add_counts(const Value* v, std::vector<Count>& counts, int depth = 0) {
  if (depth > kMaxDepth) return false;
  if (const Node* sum = made_by(v, "Add")) return add_counts(sum->input(0), counts, depth + 1) && add_counts(sum->input(1), counts, depth + 1);
  const auto found = [&](const Count& c) {
    if (!c.size.is(1)) counts.push_back(c);  // a single 0 adds nothing
    return true;
  };
  if (const auto c = one_count(v)) return found(*c);
  const Node* product = made_by(v, "Mul");
  for (std::size_t i = 0; product && i < 2; ++i) {
    auto c = one_count(product->input(i));
    const auto factor = known_dims(product->input(1 - i));
    const auto rank = rank_of(product->input(1 - i));
    if (!c || !factor || factor->size() != 1 || !rank || *rank > *rank_of(product->input(i))) continue;
    c->step = factor->front();
    return found(*c);
  }
  return false;
}

// `indices`, read in order, are 0, 1, 2, ...; their number, else unknown.
Dim number_counted(const Value* indices, SymbolTable& symbols) {
  const Shape* s = shape_of(indices);
  std::vector<Count> counts;
  if (!s || !add_counts(indices, counts)) return {};
  std::sort(counts.begin(), counts.end(), [](const Count& a, const Count& b) { return a.from_end < b.from_end; });
  Dim total(1);
  for (const Count& c : counts) {
    if (!same(c.step, total) || c.from_end > s->size() || !same((*s)[s->size() - c.from_end], c.size)) return {};
    total = symbols.mul(total, c.size);
  }
  for (std::size_t i = 0; i < s->size(); ++i) {
    const bool counted = std::any_of(counts.begin(), counts.end(), [&](const Count& c) { return c.from_end == s->size() - i; });
    if (!counted && !(*s)[i].is(1)) return {};
  }
  return total;
}

bool visit(const Node& n, Rewriter& rw) {
  const Shape *s = shape_of(n.input(0)), *out = shape_of(n.output());
  if (n.input(1)->constant() || !plain(n)) return no(rw, "the indices are constant");
  if (!s || s->empty() || !out || normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(s->size())) != 0)
    return no(rw, "not along the first axis");
  const Dim number = number_counted(n.input(1), rw.symbols());
  if (number.is_unknown()) return no(rw, "the indices are not all numbers in order");
  if (!same(number, s->front())) return no(rw, "not all of the dim is taken");
  for (Value* x = n.input(0); x; x = before_reshape(x)) {
    const Shape* from = shape_of(x);
    const auto axes = from ? inserted_ones(*from, *out) : std::nullopt;
    if (axes) return becomes(n, rw, axes->empty() ? x : rw.op("Unsqueeze", {x, rw.constant(Tensor::int64s(*axes), "axes")}));
  }
  const auto operand = reshape_operand(*out, n.input(0), rw.symbols());
  if (!operand) return no(rw, "no constant shape operand gives this shape");
  return becomes(n, rw, rw.op("Reshape", {n.input(0), rw.constant(Tensor::int64s(*operand), "shape")}));
}

}  // namespace

NodeRule convert_gather_to_reshape() {
  return {"convert-gather-to-reshape", "Gather of everything, by indices that are counted out, is a Reshape", "Gather", Level::o1, visit};
}

}  // namespace onnxopt
