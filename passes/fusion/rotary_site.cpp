#include "passes/fusion/rotary_site.h"

#include <algorithm>
#include <cstring>

#include "passes/cleanup/facts.h"
#include "passes/cleanup/slice_spec.h"

namespace onnxopt {
namespace {

// The node of this graph that makes `v`, if it is `op` and nobody but the caller reads it.
Node* inner(const Value* v, std::string_view op, const Graph* g) {
  return v && v->used_once() && made_by(v, op) && v->producer()->graph() == g ? v->producer() : nullptr;
}

bool is_last_axis(const Node& n, std::int64_t axis) {
  const auto rank = rank_of(n.input(0));
  return rank && normalize_axis(axis, *rank) == *rank - 1;
}

// Two tensors that are the first and the second part of `whole` along the last axis.
struct Parts {
  Value* whole = nullptr;
  std::int64_t first = 0, second = 0;  // sizes
  std::vector<Node*> nodes;
};

std::optional<Parts> two_parts(const Value* a, const Value* b, const Graph* g) {
  if (!a->used_once() && !a->producer()) return std::nullopt;
  const Node *p = a->producer(), *q = b->producer();
  if (!p || !q || p->graph() != g || q->graph() != g) return std::nullopt;
  const Shape *sa = shape_of(a), *sb = shape_of(b);
  if (!sa || !sb || sa->empty() || sb->empty() || !sa->back().is_value() || !sb->back().is_value()) return std::nullopt;
  Parts parts{nullptr, sa->back().value(), sb->back().value(), {}};
  if (p == q && made_by(a, "Split") && p->outputs().size() == 2 && p->output(0) == a && is_last_axis(*p, p->attr<std::int64_t>("axis"))) {
    parts.whole = p->input(0);
    parts.nodes = {a->producer()};
    return parts;
  }
  if (!made_by(a, "Slice") || !made_by(b, "Slice") || p->input(0) != q->input(0)) return std::nullopt;
  const auto first = single_span(*p), second = single_span(*q);
  if (!first || !second || !is_last_axis(*p, first->axis) || !is_last_axis(*q, second->axis)) return std::nullopt;
  if (first->start != 0 || first->end != second->start || second->end != second->dim) return std::nullopt;
  parts.whole = p->input(0);
  parts.nodes = {a->producer(), b->producer()};
  return parts;
}

// x[..., start::2] of a last axis of even size.
bool every_second(const Node& slice, std::int64_t start) {
  const auto s = slice_spec(slice);
  const Shape* shape = shape_of(slice.input(0));
  if (!s || !shape || s->axes.size() != 1 || !is_last_axis(slice, s->axes[0]) || !shape->back().is_value()) return false;
  return s->starts[0] == start && s->steps[0] == 2 && s->ends[0] >= shape->back().value();
}

struct Turned {
  Value* x = nullptr;
  bool interleaved = false;
  std::vector<Node*> nodes;  // readers first
};

// Concat (Neg (second half), first half)
std::optional<Turned> turned_halves(Node& concat) {
  const Graph* g = concat.graph();
  if (concat.inputs().size() != 2 || !is_last_axis(concat, concat.attr<std::int64_t>("axis"))) return std::nullopt;
  Node* neg = inner(concat.input(0), "Neg", g);
  const Value* first = concat.input(1);
  if (!neg || !first->used_once() || !neg->input(0)->used_once()) return std::nullopt;
  const auto parts = two_parts(first, neg->input(0), g);
  if (!parts || parts->first != parts->second) return std::nullopt;
  Turned t{parts->whole, false, {&concat, neg}};
  t.nodes.insert(t.nodes.end(), parts->nodes.begin(), parts->nodes.end());
  return t;
}

// Reshape (Concat (Unsqueeze (Neg (x[..., 1::2])), Unsqueeze (x[..., ::2]))) back to the shape of x
std::optional<Turned> turned_pairs(Node& reshape) {
  const Graph* g = reshape.graph();
  Node* concat = inner(reshape.input(0), "Concat", g);
  if (!concat || concat->inputs().size() != 2 || !is_last_axis(*concat, concat->attr<std::int64_t>("axis"))) return std::nullopt;
  Node *left = inner(concat->input(0), "Unsqueeze", g), *right = inner(concat->input(1), "Unsqueeze", g);
  for (const Node* u : {left, right}) {
    const auto rank = u ? rank_of(u->output()) : std::nullopt;
    if (!rank || known_axes(*u, 1, *rank) != Ints{*rank - 1}) return std::nullopt;
  }
  Node *neg = inner(left->input(0), "Neg", g), *even = inner(right->input(0), "Slice", g);
  Node* odd = neg ? inner(neg->input(0), "Slice", g) : nullptr;
  if (!odd || !even || odd->input(0) != even->input(0) || !every_second(*odd, 1) || !every_second(*even, 0)) return std::nullopt;
  const Shape *x = shape_of(odd->input(0)), *y = shape_of(reshape.output());
  if (!y || !same_dims(*x, *y)) return std::nullopt;
  return Turned{odd->input(0), true, {&reshape, concat, left, right, neg, odd, even}};
}

// The result of the site goes into Concat (result, rest) where x, rest are the two parts of one tensor.
void find_whole(RotarySite& site) {
  const Value& y = *site.root->output();
  if (!y.used_once() || y.uses()[0].index != 0) return;
  Node& concat = *y.uses()[0].node;
  if (!made_by(concat.output(), "Concat") || concat.graph() != site.root->graph() || concat.inputs().size() != 2) return;
  if (!is_last_axis(concat, concat.attr<std::int64_t>("axis")) || !concat.input(1)->used_once()) return;
  const auto parts = two_parts(site.x, concat.input(1), concat.graph());
  if (!parts || site.x->is_graph_output()) return;
  for (const Use& u : site.x->uses())
    if (std::find(site.nodes.begin(), site.nodes.end(), u.node) == site.nodes.end()) return;
  site.whole = parts->whole;
  site.joined = &concat;
  site.nodes.insert(site.nodes.begin(), &concat);
  site.nodes.insert(site.nodes.end(), parts->nodes.begin(), parts->nodes.end());
}

// Each value twice along the last axis: the second half repeats the first, or neighbours are equal. Null: not so.
Tensor half_of(const Tensor& t, bool interleaved) {
  if (t.rank() < 2 || t.dims().back() % 2 != 0 || bit_width(t.dtype()) % 8 != 0) return {};
  const auto size = static_cast<std::size_t>(bit_width(t.dtype()) / 8), columns = static_cast<std::size_t>(t.dims().back()), half = columns / 2;
  const std::span<const std::byte> all = t.bytes();
  std::vector<std::byte> out;
  out.reserve(all.size() / 2);
  for (std::size_t at = 0; at < all.size(); at += columns * size)
    for (std::size_t i = 0; i < half; ++i) {
      const std::byte* one = all.data() + at + (interleaved ? 2 * i : i) * size;
      const std::byte* two = interleaved ? one + size : one + half * size;
      if (std::memcmp(one, two, size) != 0) return {};
      out.insert(out.end(), one, one + size);
    }
  Dims dims = t.dims();
  dims.back() /= 2;
  return Tensor::from_bytes(t.dtype(), dims, std::move(out));
}

// Input of an elementwise node that treats all elements alike; nullopt: it is no such node.
std::optional<std::size_t> elementwise_input(const Node& n) {
  for (std::string_view op : {"Cos", "Sin", "Cast", "Neg"})
    if (n.is(op)) return 0;
  if (!n.is("Mul")) return std::nullopt;
  for (std::size_t i = 0; i < 2; ++i)
    if (const Tensor* c = n.input(1 - i)->constant(); c && c->size() == 1 && c->rank() <= 3) return i;
  return std::nullopt;
}

}  // namespace

std::optional<RotarySite> rotary_site(Node& add) {
  const Graph* g = add.graph();
  if (!add.is("Add") || add.kept) return std::nullopt;
  for (std::size_t side = 0; side < 2; ++side) {
    Node *turning = inner(add.input(side), "Mul", g), *plain = inner(add.input(1 - side), "Mul", g);
    if (!turning || !plain) return std::nullopt;
    for (std::size_t i = 0; i < 2; ++i) {
      std::optional<Turned> t;
      if (Node* n = inner(turning->input(i), "Concat", g)) t = turned_halves(*n);
      else if (Node* r = inner(turning->input(i), "Reshape", g)) t = turned_pairs(*r);
      if (!t) continue;
      for (std::size_t k = 0; k < 2; ++k) {
        if (plain->input(k) != t->x) continue;
        RotarySite site{&add, t->x, plain->input(1 - k), turning->input(1 - i), t->interleaved, {&add, plain, turning}, nullptr, nullptr};
        site.nodes.insert(site.nodes.end(), t->nodes.begin(), t->nodes.end());
        find_whole(site);
        return site;
      }
    }
  }
  return std::nullopt;
}

std::optional<RotaryTable> rotary_table(Value* table, const Shape& x, bool interleaved, const Graph& g) {
  const Shape* s = shape_of(table);
  if (!s || s->size() < 2 || s->size() > 4 || !same(s->back(), x.back()) || !same((*s)[s->size() - 2], x[2])) return std::nullopt;
  const bool per_batch = s->size() == 4;
  if (s->size() == 3 && !(*s)[0].is(1)) return std::nullopt;  // that would be one table a head
  if (per_batch && (!(*s)[1].is(1) || !((*s)[0].is(1) || same((*s)[0], x[0])))) return std::nullopt;
  RotaryTable t;
  t.batch = per_batch ? (*s)[0] : Dim(1);
  if (table->constant()) {
    const Tensor half = half_of(*table->constant(), interleaved);
    if (!half) return std::nullopt;
    t.constant = half.reshaped({per_batch ? half.dims()[0] : 1, half.dims()[half.dims().size() - 2], half.dims().back()});
    return t;
  }
  Value* v = table;
  bool unsqueezed = false;
  for (Node* n = v->producer(); n && n->graph() == &g && !n->kept && !n->has_ref_attrs(); n = v->producer()) {
    t.doubled.push_back(n);
    if (n->is("Concat")) {
      if (interleaved || n->inputs().size() != 2 || n->input(0) != n->input(1) || !is_last_axis(*n, n->attr<std::int64_t>("axis"))) break;
      if (rank_of(n->output()) != 3) break;
      t.half = n->input(0);
      std::reverse(t.chain.begin(), t.chain.end());
      return t;
    }
    if (n->is("Unsqueeze")) {
      if (unsqueezed || rank_of(n->output()) != 4 || known_axes(*n, 1, 4) != Ints{1}) break;
      unsqueezed = true;
      v = n->input(0);
      continue;
    }
    const auto i = elementwise_input(*n);
    if (!i) break;
    t.chain.push_back(n);
    v = n->input(*i);
  }
  return std::nullopt;
}

}  // namespace onnxopt
