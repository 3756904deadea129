// a = Expand (x, shape);  y = Add (a, z)  ==>  y = Add (x, z)      where broadcasting gives y the same shape without the Expand
#include <algorithm>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

// Shape of broadcasting all of `shapes`; nullopt where a pair of dims is neither provably equal nor has a 1.
std::optional<Shape> broadcast(const std::vector<const Shape*>& shapes) {
  std::size_t rank = 0;
  for (const Shape* s : shapes) rank = std::max(rank, s->size());
  Shape out(rank, Dim(1));
  for (const Shape* s : shapes)
    for (std::size_t i = 0; i < s->size(); ++i) {
      Dim &o = out[rank - s->size() + i], d = (*s)[i];
      if (d.is(1) || same(o, d)) continue;
      if (!o.is(1)) return std::nullopt;
      o = d;
    }
  return out;
}

bool visit(const Node& n, Rewriter& rw) {
  std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
  bool found = false;
  for (Value*& v : in)
    if (const Node* e = made_by(v, "Expand")) {
      v = e->input(0);
      found = true;
    }
  if (!found) return no(rw, "no input is made by Expand");
  const Shape* out = shape_of(n.output());
  std::vector<const Shape*> shapes;
  for (const Value* v : in) shapes.push_back(shape_of(v));
  if (!out || std::find(shapes.begin(), shapes.end(), nullptr) != shapes.end()) return no(rw, "the ranks are not known");
  const auto without = broadcast(shapes);
  if (!without || !same_dims(*without, *out)) return no(rw, "the result would have another shape");
  return plain(n) && becomes(n, rw, rw.op(n.op().name, in, n.attrs()));
}

}  // namespace

NodeRule remove_expand_before_broadcast() {
  return {"remove-expand-before-broadcast", "Remove Expand where its reader broadcasts anyway",
          "Add Sub Mul Div Pow Mod And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual Where Min Max Sum Mean", Level::o1, visit};
}

}  // namespace onnxopt
