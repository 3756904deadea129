// y = Mul (Transpose <perm> (MatMul (x, W)), c)   ==>   y = Transpose <perm> (Mul (MatMul (x, W), c'))
// A constant with one value a channel goes to the other side of a Transpose, where it stands next to the layer whose weights can take it in: the
// layer scale of blocks that work with channels last. Also Div, Add and Sub; behind Gemm, Conv, ConvTranspose and the Add of a bias.
#include <algorithm>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool has_constant_weights(const Node& n) { return n.input(1) && n.input(1)->constant() && is_float(n.input(1)->constant()->dtype()); }

// The channel axis of a layer with constant weights that can take in a constant; nullopt: `v` does not come from one.
std::optional<std::int64_t> channel_axis(const Value* v, std::int64_t rank) {
  const Node* n = v->producer();
  if (!n || n->kept || !plain(*n) || !v->used_once()) return std::nullopt;
  if (n->is("Conv") || n->is("ConvTranspose")) return has_constant_weights(*n) ? std::optional<std::int64_t>(1) : std::nullopt;
  if (n->is("Add")) {
    for (std::size_t i = 0; i < 2; ++i)
      if (n->input(i)->constant()) {
        const Node* m = made_by(n->input(1 - i), "MatMul");
        return m && n->input(1 - i)->used_once() && has_constant_weights(*m) ? std::optional(rank - 1) : std::nullopt;
      }
    return std::nullopt;
  }
  return (n->is("MatMul") || n->is("Gemm")) && has_constant_weights(*n) ? std::optional(rank - 1) : std::nullopt;
}

bool visit(const Node& n, Rewriter& rw) {
  for (std::size_t i = 0; i < (n.is("Div") ? 1U : 2U); ++i) {
    const Node* t = made_by(n.input(i), "Transpose");
    const Tensor* c = n.input(1 - i)->constant();
    if (!t || !c || c->size() < 2) continue;
    if (!constant_of(n.input(1 - i), rw.context())) return no(rw, "the caller may set the constant");
    const Ints* perm = t->attrs().get<Ints>("perm");
    const Shape* s = shape_of(n.input(i));
    if (!perm || !s || !n.input(i)->used_once()) return no(rw, "the Transpose has another reader, or is not known");
    const auto rank = static_cast<std::int64_t>(perm->size());
    if (c->rank() > rank) return no(rw, "the constant raises the rank");
    const auto channel = channel_axis(t->input(0), rank);
    if (!channel) return no(rw, "no layer with constant weights in front of the Transpose");
    // The one axis along which the constant varies must be the channels.
    const auto at = std::find(perm->begin(), perm->end(), *channel) - perm->begin();
    Dims flat(static_cast<std::size_t>(rank), 1);
    for (std::int64_t k = 0; k < c->rank(); ++k) {
      const std::int64_t dim = c->dims()[static_cast<std::size_t>(k)], axis = rank - c->rank() + k;
      if (dim == 1) continue;
      if (axis != at || !(*s)[static_cast<std::size_t>(axis)].is(dim)) return no(rw, "the constant is not one value a channel");
      flat[static_cast<std::size_t>(*channel)] = dim;
    }
    const Tensor moved = c->reshaped(*channel == rank - 1 ? Dims{c->size()} : flat);
    std::vector<Value*> in(2);
    in[i] = t->input(0);
    in[1 - i] = rw.constant(moved, n.input(1 - i)->name());
    Value* y = rw.op(n.op().name, std::move(in));
    rw.consume(*t);
    return becomes(n, rw, rw.op("Transpose", {y}, t->attrs()));
  }
  return no(rw, "not a Transpose and a constant");
}

}  // namespace

NodeRule move_constant_up() {
  return {"move-constant-up", "Let a constant go before a Transpose, to the layer that can take it in", "Mul Div Add Sub", Level::o2, visit};
}

}  // namespace onnxopt
