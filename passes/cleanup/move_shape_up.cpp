// y = Shape|Size (f (x))  ==>  y = Shape|Size (x)      where f (x) provably has the shape of x: the reader no longer waits for f, which may be dead
// then
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool keeps_shape(const Node& n) {
  return n.op().has(kElementwise) || n.is("Cast") || n.is("Identity") || n.is("Softmax") || n.is("LayerNormalization") || n.is("BatchNormalization");
}

bool visit(const Node& n, Rewriter& rw) {
  Value* x = n.input(0);
  for (int depth = 0; depth < 8; ++depth) {
    const Node* f = x->producer();
    if (!f || f->kept || f->op().has(kOpaque) || !keeps_shape(*f)) break;
    Value* up = nullptr;
    for (Value* v : f->inputs())
      if (v && !up && !v->constant() && same_shape(v, x)) up = v;
    if (!up) break;
    x = up;
  }
  if (x == n.input(0)) return no(rw, "the input does not have the shape of what it is computed from");
  return plain(n) && becomes(n, rw, rw.op(n.op().name, {x}, n.attrs()));
}

}  // namespace

NodeRule move_shape_up() { return {"move-shape-up", "Read a shape where it first appears", "Shape Size", Level::o1, visit}; }

}  // namespace onnxopt
