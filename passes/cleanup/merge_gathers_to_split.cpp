// t = Transpose <perm> (x);  q = Gather <axis = a> (t, 0);  k = Gather <axis = a> (t, 1);  v = Gather <axis = a> (t, 2)
//   ==>   q, k, v = Split (Transpose (Reshape (x)))
// A tensor is taken apart along an axis of N that stands right in front of another axis of d, as in x: [B, S, N, d, ...]. With the two axes as one of
// N * d, the parts are what a Split of that axis gives. The Reshape merges with the one in front of it, which is asked for. The same for
// Split into single elements and a Squeeze of each.
#include <algorithm>

#include "passes/cleanup/reshape_operand.h"

namespace onnxopt {
namespace {

struct Parts {
  std::vector<Value*> values;  // by index; null: nobody asks for it
  std::vector<const Node*> readers;
  std::int64_t axis = 0;  // of the tensor that is taken apart
};

constexpr std::int64_t kMostParts = 16;

// All readers of `t` are Gathers of single, different elements along the axis of `n`, and `n` is the first of them.
std::optional<Parts> gathered(const Node& n) {
  const Value* t = n.input(0);
  const Shape* s = shape_of(t);
  const auto axis = s ? normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(s->size())) : std::nullopt;
  if (!axis || t->is_graph_output()) return std::nullopt;
  const Dim count = (*s)[static_cast<std::size_t>(*axis)];
  if (!count.is_value() || count.value() < 2 || count.value() > kMostParts || static_cast<std::int64_t>(t->uses().size()) > count.value())
    return std::nullopt;
  Parts parts{std::vector<Value*>(static_cast<std::size_t>(count.value())), {}, *axis};
  for (const Use& u : t->uses()) {
    const Node& g = *u.node;
    if (u.index != 0 || !g.is("Gather") || g.kept || !plain(g) || g.graph() != n.graph()) return std::nullopt;
    if (&g != &n && g.graph()->is_before(g, n)) return std::nullopt;
    if (normalize_axis(g.attr<std::int64_t>("axis"), static_cast<std::int64_t>(s->size())) != *axis || rank_of(g.input(1)) != 0) return std::nullopt;
    auto index = known_int(g.input(1));
    if (index && *index < 0) *index += count.value();
    if (!index || *index < 0 || *index >= count.value() || parts.values[static_cast<std::size_t>(*index)]) return std::nullopt;
    parts.values[static_cast<std::size_t>(*index)] = g.output();
    parts.readers.push_back(&g);
  }
  return parts;
}

// `n` is a Split into single elements, and every output that is read is squeezed.
std::optional<Parts> unbound(const Node& n) {
  const Shape* s = shape_of(n.input(0));
  const auto axis = s ? normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(s->size())) : std::nullopt;
  if (!axis || !n.input(0)->used_once()) return std::nullopt;
  if (!(*s)[static_cast<std::size_t>(*axis)].is(static_cast<std::int64_t>(n.outputs().size()))) return std::nullopt;
  Parts parts{std::vector<Value*>(n.outputs().size()), {&n}, *axis};
  for (std::size_t i = 0; i < n.outputs().size(); ++i) {
    const Value* v = n.output(i);
    const Shape* one = shape_of(v);
    if (!one || !(*one)[static_cast<std::size_t>(*axis)].is(1)) return std::nullopt;  // also where nobody reads it: parts of 0 and 2 make 2 too
    if (v->unused()) continue;
    if (!v->used_once()) return std::nullopt;
    const Node& q = *v->uses()[0].node;
    if (v->uses()[0].index != 0 || !q.is("Squeeze") || q.kept || !plain(q) || q.graph() != n.graph()) return std::nullopt;
    if (known_axes(q, 1, static_cast<std::int64_t>(s->size())) != Ints{*axis}) return std::nullopt;
    parts.values[i] = q.output();
    parts.readers.push_back(&q);
  }
  return parts;
}

// The shape that is given to a reshape: its operand with the two axes as one, where it is known.
std::optional<DimList> merged_operand(const Node& reshape, std::size_t axis, Dim both) {
  auto given = reshape.is("Reshape") ? known_dims(reshape.input(1)) : std::nullopt;
  if (!given || axis + 1 >= given->size()) return std::nullopt;
  (*given)[axis] = both;
  given->erase(given->begin() + static_cast<std::ptrdiff_t>(axis) + 1);
  return given;
}

bool visit(const Node& n, Rewriter& rw) {
  const auto parts = n.is("Gather") ? gathered(n) : unbound(n);
  if (!parts) return no(rw, "not all single elements along one axis");
  const Node* transpose = made_by(n.input(0), "Transpose");
  const Value* source = transpose ? transpose->input(0) : n.input(0);
  const Shape* s = shape_of(source);
  if (!s || !source->producer() || (transpose && !source->used_once())) return no(rw, "no reshape in front");
  Value* x = before_reshape(source);
  if (!x) return no(rw, "no reshape in front");
  Ints perm(s->size());
  for (std::size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<std::int64_t>(i);
  if (transpose) {
    const Ints* p = transpose->attrs().get<Ints>("perm");
    if (!p || p->size() != s->size()) return no(rw, "perm is not known");
    perm = *p;
  }
  const auto axis = static_cast<std::size_t>(perm[static_cast<std::size_t>(parts->axis)]);
  if (axis + 1 >= s->size() || !(*s)[axis + 1].is_value() || !(*s)[axis].is_value())
    return no(rw, "no static axis behind the one that is taken apart");
  const std::int64_t count = (*s)[axis].value(), each = (*s)[axis + 1].value();
  Shape merged = *s;
  merged[axis] = Dim(count * each);
  merged.erase(merged.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
  const auto given = merged_operand(*source->producer(), axis, Dim(count * each));
  const auto operand = reshape_operand(merged, x, rw.symbols(), given ? &*given : nullptr);
  if (!operand) return no(rw, "no constant shape operand gives this shape");
  Value* y = rw.op("Reshape", {x, rw.constant(Tensor::int64s(*operand), "shape")});
  Ints p;
  for (const auto i : perm)
    if (i != static_cast<std::int64_t>(axis)) p.push_back(i > static_cast<std::int64_t>(axis) ? i - 1 : i);
  if (transpose) y = rw.op("Transpose", {y}, {Attribute("perm", p)});
  const auto at = std::find(p.begin(), p.end(), static_cast<std::int64_t>(axis)) - p.begin();
  const auto out = rw.op_n("Split", {y, rw.constant(Tensor::int64s(Ints(static_cast<std::size_t>(count), each)), "split")},
                           {Attribute("axis", static_cast<std::int64_t>(at))}, static_cast<std::size_t>(count));
  for (const Node* r : parts->readers) rw.consume(*r);
  if (transpose) rw.consume(*transpose);
  if (source->used_once()) rw.consume(*source->producer());
  for (std::size_t i = 0; i < out.size(); ++i)
    if (parts->values[i]) rw.replace(parts->values[i], out[i]);
  return true;
}

}  // namespace

NodeRule merge_gathers_to_split() {
  return {"merge-gathers-to-split", "One Split for Gathers that take a tensor apart", "Gather Split", Level::o1, visit};
}

}  // namespace onnxopt
