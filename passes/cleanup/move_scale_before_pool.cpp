// y = Mul (Sub (AveragePool (t), t), c)   ==>   u = Mul (t, c);  y = Sub (AveragePool (u), u)
// c: one value a channel. What pools do to a channel is linear, so that the layer scale of a pooling block (PoolFormer) can go to the normalization
// or layer that makes t, which takes it in. Behind the Reshape of a group normalization that is spelled with InstanceNormalization, one value for
// all.
#include <algorithm>
#include <cmath>

#include "passes/cleanup/facts.h"
#include "passes/fusion/weights.h"

namespace onnxopt {
namespace {

bool is_norm(const Value* v) {
  for (const char* op : {"InstanceNormalization", "GroupNormalization", "BatchNormalization"})
    if (const Node* n = made_by(v, op)) return !n->kept && v->used_once();
  return false;
}

// A node that a factor can go into (fuse-norm-affine, fuse-conv-affine, fuse-affine-chain, merge-constant-operands). `v` itself has two readers.
bool takes_factor(const Value* v, const PassContext& ctx) {
  const Node* n = v->producer();
  if (!n || n->kept || !plain(*n)) return false;
  if (n->is("Conv") || n->is("ConvTranspose")) return const_conv(*n, ctx).has_value();
  if (n->is("Mul")) return weight_of(n->input(0), ctx) || weight_of(n->input(1), ctx);
  if (!n->is("Add")) return n->is("InstanceNormalization") || n->is("GroupNormalization") || n->is("BatchNormalization");
  for (std::size_t i = 0; i < 2; ++i) {
    const Node* scaled = made_by(n->input(1 - i), "Mul");
    if (weight_of(n->input(i), ctx) && scaled && (weight_of(scaled->input(0), ctx) || weight_of(scaled->input(1), ctx))) return true;
  }
  return false;
}

bool visit(const Node& n, Rewriter& rw) {
  const std::size_t side = n.input(0)->constant() ? 0 : 1;
  const Tensor* c = weight_of(n.input(side), rw.context());
  const Node* sub = c ? made_by(n.input(1 - side), "Sub") : nullptr;
  if (!sub || sub->kept || !n.input(1 - side)->used_once()) return no(rw, "not a constant times a difference");
  const std::size_t pooled = made_by(sub->input(0), "AveragePool") ? 0 : 1;
  const Node* pool = made_by(sub->input(pooled), "AveragePool");
  Value* t = sub->input(1 - pooled);
  if (!pool || pool->kept || !plain(*pool) || pool->input(0) != t || !sub->input(pooled)->used_once())
    return no(rw, "not a pool of what is taken from it");
  if (t->uses().size() != 2 || t->is_graph_output()) return no(rw, "what is pooled has another reader");
  const Shape* s = shape_of(t);
  if (!s || s->size() < 3 || !(*s)[1].is_value()) return no(rw, "the channels are not known");
  const auto factors = channel_values(*c, static_cast<std::int64_t>(s->size()), 1, (*s)[1].value());
  if (!factors || !std::all_of(factors->begin(), factors->end(), [](double f) { return std::isfinite(f); }))
    return no(rw, "not one finite value a channel");
  Value* scaled = nullptr;
  const Node* reshape = made_by(t, "Reshape");
  if (takes_factor(t, rw.context())) scaled = rw.op("Mul", {t, n.input(side)});
  else if (reshape && !reshape->kept && is_norm(reshape->input(0)) && splat(n.input(side))) {
    const double factor = (*factors)[0];
    Value* inner = rw.op("Mul", {reshape->input(0), rw.constant(from_doubles(c->dtype(), {}, {&factor, 1}), n.input(side)->name())});
    scaled = rw.op("Reshape", {inner, reshape->input(1)}, reshape->attrs());
    rw.consume(*reshape);
  } else return no(rw, "nothing in front takes the factor in");
  Value* p = rw.op("AveragePool", {scaled}, pool->attrs());
  rw.consume(*pool);
  rw.consume(*sub);
  return becomes(n, rw, pooled == 0 ? rw.op("Sub", {p, scaled}) : rw.op("Sub", {scaled, p}));
}

}  // namespace

NodeRule move_scale_before_pool() {
  return {"move-scale-before-pool", "Let a scale go before a pooling block, to the layer that can take it in", "Mul", Level::o2, visit};
}

}  // namespace onnxopt
