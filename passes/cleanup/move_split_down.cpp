// a, b = Split (x);  p = f (a);  q = f (b)   ==>   p, q = Split (f (x))
// What all parts get alike is computed once in front: elementwise operators with the same scalars, Cast, Slice of another axis, Transpose (parts that
// want another perm get the difference), Reshape that divides the axis of the Split so that its parts stay whole (the heads of q, k and v).
#include <algorithm>

#include "passes/cleanup/reshape_operand.h"

namespace onnxopt {
namespace {

constexpr std::size_t kMostParts = 16;

using Readers = std::vector<const Node*>;

// The only reader of each part, all of the same operator; the parts are input `index` of it. Empty: there is none.
Readers readers_of(const Node& split, std::uint32_t* index) {
  Readers r;
  if (split.outputs().size() < 2 || split.outputs().size() > kMostParts) return {};
  for (const Value* v : split.outputs()) {
    if (!v || !v->used_once()) return {};
    const Use& u = v->uses()[0];
    const Node& n = *u.node;
    if (n.kept || n.op().has(kOpaque) || n.graph() != split.graph() || n.outputs().size() != 1 || !plain(n)) return {};
    if (!r.empty() && (&n.op() != &r[0]->op() || u.index != *index)) return {};
    *index = u.index;
    r.push_back(&n);
  }
  return r;
}

bool same_but(const Node& a, const Node& b, std::uint32_t index) {
  if (a.inputs().size() != b.inputs().size() || !same_attrs(a.attrs(), b.attrs())) return false;
  for (std::uint32_t i = 0; i < a.inputs().size(); ++i)
    if (i != index && a.input(i) != b.input(i)) return false;
  return true;
}

bool all_alike(const Readers& r, std::uint32_t index) {
  return std::all_of(r.begin(), r.end(), [&](const Node* n) { return same_but(*n, *r[0], index); });
}

// Elementwise in the input `index`, with scalars beside it.
bool is_elementwise(const Node& n, std::uint32_t index) {
  if (n.op().domain != "" || n.op().has(kQuantize) || n.op().has(kNondeterministic)) return false;
  if (n.is("Cast") || n.is("Clip")) return index == 0;
  if (!n.op().has(kElementwise)) return false;
  const auto rank = rank_of(n.input(index));
  for (std::uint32_t i = 0; i < n.inputs().size(); ++i) {
    if (i == index || !n.input(i)) continue;
    const Tensor* t = n.input(i)->constant();
    if (!t || t->size() != 1 || !rank || t->rank() > *rank) return false;
  }
  return true;
}

struct Moved {
  Value* whole = nullptr;  // f (x)
  std::int64_t axis = 0;   // to split it along
  Ints sizes;
  std::vector<Ints> perms;  // Transpose of each part that is left to do; empty: none
};

Value* copy_on(Rewriter& rw, const Node& n, std::uint32_t index, Value* x) {
  std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
  in[index] = x;
  return rw.op(n.op().name, std::move(in), n.attrs());
}

std::optional<Moved> over_transpose(const Readers& r, Value* x, std::int64_t axis, Ints sizes, Rewriter& rw) {
  std::vector<Ints> perms;
  for (const Node* n : r) {
    const Ints* p = n->attrs().get<Ints>("perm");
    if (!p) return std::nullopt;
    perms.push_back(*p);
  }
  const Ints* common = nullptr;
  for (const Ints& p : perms)
    if (std::count(perms.begin(), perms.end(), p) >= 2 && !common) common = &p;
  if (!common) return std::nullopt;
  const Ints base = *common;
  const auto place = [&](std::int64_t a) { return std::find(base.begin(), base.end(), a) - base.begin(); };
  Moved m{rw.op("Transpose", {x}, {Attribute("perm", base)}), place(axis), std::move(sizes), {}};
  for (const Ints& p : perms) {
    Ints rest;
    if (p != base)
      for (const auto a : p) rest.push_back(place(a));
    m.perms.push_back(std::move(rest));
  }
  return m;
}

// Every part is divided: [.., c * d, ..] to [.., c, d, ..] at the axis of the Split, with one d.
std::optional<Moved> over_reshape(const Readers& r, Value* x, std::int64_t axis, Rewriter& rw) {
  const Shape* in = shape_of(x);
  const auto k = static_cast<std::size_t>(axis);
  const Shape* first = shape_of(r[0]->output());
  if (!in || !first || first->size() != in->size() + 1 || !(*first)[k + 1].is_value() || (*first)[k + 1].value() < 1) return std::nullopt;
  Ints sizes;
  std::int64_t sum = 0;
  for (const Node* n : r) {
    const Shape* out = shape_of(n->output());
    if (!out || out->size() != first->size() || !(*out)[k].is_value() || !(*out)[k + 1].is((*first)[k + 1].value())) return std::nullopt;
    for (std::size_t i = 0; i < in->size(); ++i)
      if (i != k && !same((*in)[i], (*out)[i < k ? i : i + 1])) return std::nullopt;
    const Shape* part = shape_of(n->input(0));
    if (!part || !(*part)[k].is((*out)[k].value() * (*out)[k + 1].value())) return std::nullopt;
    sizes.push_back((*out)[k].value());
    sum += (*out)[k].value();
  }
  Shape whole = *first;
  whole[k] = Dim(sum);
  const auto operand = reshape_operand(whole, x, rw.symbols());
  if (!operand) return std::nullopt;
  return Moved{rw.op("Reshape", {x, rw.constant(Tensor::int64s(*operand), "shape")}), axis, std::move(sizes), {}};
}

bool slices_elsewhere(const Node& n, std::int64_t axis, std::int64_t rank) {
  const auto axes = n.input(3) ? known_axes(n, 3, rank) : std::nullopt;
  return axes && std::find(axes->begin(), axes->end(), axis) == axes->end();
}

bool visit(const Node& n, Rewriter& rw) {
  std::uint32_t index = 0;
  const Readers readers = readers_of(n, &index);
  if (readers.empty()) return no(rw, "the parts do not have one reader each, of one operator");
  const Shape* s = shape_of(n.input(0));
  if (!s) return no(rw, "the rank is not known");
  const auto rank = static_cast<std::int64_t>(s->size());
  const auto axis = normalize_axis(n.attr<std::int64_t>("axis"), rank);
  Ints sizes;
  for (const Value* v : n.outputs()) {
    const Shape* part = shape_of(v);
    if (!axis || !part || !(*part)[static_cast<std::size_t>(*axis)].is_value()) return no(rw, "the sizes of the parts are not known");
    sizes.push_back((*part)[static_cast<std::size_t>(*axis)].value());
  }
  const Node& f = *readers[0];
  std::optional<Moved> moved;
  if (f.is("Transpose")) moved = over_transpose(readers, n.input(0), *axis, sizes, rw);
  else if (f.is("Reshape") && index == 0) moved = over_reshape(readers, n.input(0), *axis, rw);
  else if (all_alike(readers, index) && (is_elementwise(f, index) || (f.is("Slice") && index == 0 && slices_elsewhere(f, *axis, rank))))
    moved = Moved{copy_on(rw, f, index, n.input(0)), *axis, std::move(sizes), {}};
  if (!moved) return no(rw, "the parts are not treated alike");
  const auto parts =
      rw.op_n("Split", {moved->whole, rw.constant(Tensor::int64s(moved->sizes), "split")}, {Attribute("axis", moved->axis)}, readers.size());
  for (std::size_t i = 0; i < readers.size(); ++i) {
    Value* part = parts[i];
    if (!moved->perms.empty() && !moved->perms[i].empty()) part = rw.op("Transpose", {part}, {Attribute("perm", moved->perms[i])});
    rw.consume(*readers[i]);
    rw.replace(readers[i]->output(), part);
  }
  return true;
}

}  // namespace

NodeRule move_split_down() { return {"move-split-down", "Do once in front of a Split what each of its parts gets", "Split", Level::o1, visit}; }

}  // namespace onnxopt
