// a = Transpose (x);  r = Reshape (a);  y = Transpose (r)  ==>  y = Reshape (Transpose (x))   where the Reshape only joins dims that stand side by
// side
//                                                          ==>  y = Transpose (Reshape (x))   where it only divides dims
// Dims of 1 may come and go. The two Transposes meet, on the side of the Reshape where all dims still stand for themselves.
#include <algorithm>

#include "passes/cleanup/reshape_operand.h"

namespace onnxopt {
namespace {

// Dims [from, to) in front of the Reshape and behind it that hold the same elements.
struct Group {
  std::size_t in_from, in_to, out_from, out_to;
  std::size_t ins() const { return in_to - in_from; }
  std::size_t outs() const { return out_to - out_from; }
};

// The smallest groups from i and j on with one product; nullopt: a dim is no number, or empty.
std::optional<Group> joined(const Shape& in, const Shape& out, std::size_t i, std::size_t j) {
  const auto number = [](const Shape& s, std::size_t k) { return k < s.size() && s[k].is_value() && s[k].value() > 0; };
  if (!number(in, i) || !number(out, j)) return std::nullopt;
  Group g{i, i + 1, j, j + 1};
  std::int64_t a = in[i].value(), b = out[j].value();
  while (a != b) {
    const bool more = a < b;
    std::size_t& next = more ? g.in_to : g.out_to;
    const Shape& s = more ? in : out;
    if (!number(s, next)) return std::nullopt;
    (more ? a : b) *= s[next++].value();
  }
  return g;
}

std::optional<std::vector<Group>> groups_of(const Shape& in, const Shape& out) {
  std::vector<Group> groups;
  std::size_t i = 0, j = 0;
  while (i < in.size() || j < out.size()) {
    std::optional<Group> g;
    if (i < in.size() && j < out.size() && same(in[i], out[j])) g = Group{i, i + 1, j, j + 1};
    else if (j < out.size() && out[j].is(1)) g = Group{i, i, j, j + 1};
    else if (i < in.size() && in[i].is(1)) g = Group{i, i + 1, j, j};
    else g = joined(in, out, i, j);
    if (!g) return std::nullopt;
    groups.push_back(*g);
    i = g->in_to;
    j = g->out_to;
  }
  return groups;
}

Ints perm_of(const Node& n) {
  const Ints* p = n.attrs().get<Ints>("perm");
  return p ? *p : Ints{};
}

// Transpose (x), then one Reshape: `p` and then `q`, whose dims are the groups' results.
std::pair<Ints, Shape> joining(const std::vector<Group>& groups, const Ints& p, const Ints& q, const Shape& out) {
  Ints perm;
  Shape shape;
  for (const Group& g : groups)
    if (g.outs() == 0) perm.push_back(p[g.in_from]);  // a 1 that goes away: anywhere
  for (const std::int64_t k : q) {
    shape.push_back(out[static_cast<std::size_t>(k)]);
    for (const Group& g : groups)
      for (std::size_t i = g.in_from; g.out_from == static_cast<std::size_t>(k) && g.outs() == 1 && i < g.in_to; ++i) perm.push_back(p[i]);
  }
  return {perm, shape};
}

// One Reshape of x, then Transpose: x's dims divided where they stand.
std::pair<Ints, Shape> dividing(const std::vector<Group>& groups, const Ints& p, const Ints& q, const Shape& out) {
  std::vector<std::size_t> place(out.size());  // of each dim behind the old Reshape, behind the new one
  Shape shape;
  const auto lay = [&](const Group& g) {
    for (std::size_t j = g.out_from; j < g.out_to; ++j) {
      place[j] = shape.size();
      shape.push_back(out[j]);
    }
  };
  for (const Group& g : groups)
    if (g.ins() == 0) lay(g);  // a 1 that comes in: anywhere
  for (std::size_t d = 0; d < p.size(); ++d)
    for (const Group& g : groups)
      if (g.ins() == 1 && p[g.in_from] == static_cast<std::int64_t>(d)) lay(g);
  Ints perm;
  for (const std::int64_t k : q) perm.push_back(static_cast<std::int64_t>(place[static_cast<std::size_t>(k)]));
  return {perm, shape};
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* reshape = made_by(n.input(0), "Reshape");
  const Node* first = reshape ? made_by(reshape->input(0), "Transpose") : nullptr;
  if (!first || !plain(n) || !reshape->output()->used_once() || !first->output()->used_once()) return no(rw, "no Transpose and Reshape in front");
  Value* x = first->input(0);
  const Shape *in = shape_of(first->output()), *out = shape_of(reshape->output());
  const Ints p = perm_of(*first), q = perm_of(n);
  if (!in || !out || p.size() != in->size() || q.size() != out->size()) return no(rw, "the rank or perm is not known");
  const auto groups = groups_of(*in, *out);
  const auto all = [&](auto&& holds) { return groups && std::all_of(groups->begin(), groups->end(), holds); };
  const bool joins = all([](const Group&g) { return g.outs() <= 1; }), divides = all([](const Group&g) { return g.ins() <= 1; });
  if (!joins && !divides) return no(rw, "the Reshape does more than to join or to divide dims");
  const auto [perm, shape] = joins ? joining(*groups, p, q, *out) : dividing(*groups, p, q, *out);
  const bool moves = !std::is_sorted(perm.begin(), perm.end());
  Value* moved = joins && moves ? rw.op("Transpose", {x}, {Attribute("perm", perm)}) : x;
  const auto operand = reshape_operand(shape, moved, rw.symbols());
  if (!operand) return no(rw, "no constant shape operand gives this shape");
  Value* y = rw.op("Reshape", {moved, rw.constant(Tensor::int64s(*operand), "shape")});
  if (!joins && moves) y = rw.op("Transpose", {y}, {Attribute("perm", perm)});
  rw.consume(*reshape);
  rw.consume(*first);
  return becomes(n, rw, y);
}

}  // namespace

NodeRule merge_transposes_over_reshape() {
  return {"merge-transposes-over-reshape", "One Transpose for two with a Reshape in between", "Transpose", Level::o1, visit};
}

}  // namespace onnxopt
