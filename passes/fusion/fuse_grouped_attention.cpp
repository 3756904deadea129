#include "passes/cleanup/facts.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {
namespace {

// Keys or values that are repeated for the heads of the queries: Reshape (Expand (u)), u of shape [batch, heads, 1, sequence, size].
struct Repeated {
  Value* u = nullptr;
  std::int64_t times = 0;
  const Node *expand = nullptr, *reshape = nullptr;
};

std::optional<Repeated> repeated(const Value* v) {
  const Node* reshape = made_by(v, "Reshape");
  const Node* expand = reshape ? made_by(reshape->input(0), "Expand") : nullptr;
  if (!expand) return std::nullopt;
  const Shape *y = shape_of(v), *e = shape_of(expand->output()), *u = shape_of(expand->input(0));
  if (!y || !e || !u || y->size() != 4 || e->size() != 5 || u->size() != 5) return std::nullopt;
  for (const std::size_t i : {0, 1, 3, 4})
    if (!same((*e)[i], (*u)[i])) return std::nullopt;
  const Dim heads = (*e)[1], times = (*e)[2];
  if (!(*u)[2].is(1) || !heads.is_value() || !times.is_value()) return std::nullopt;
  const bool merged = same((*y)[0], (*e)[0]) && (*y)[1].is(heads.value() * times.value()) && same((*y)[2], (*e)[3]) && same((*y)[3], (*e)[4]);
  return merged ? std::optional(Repeated{expand->input(0), times.value(), expand, reshape}) : std::nullopt;
}

Value* without_dim(Rewriter& rw, const Repeated& r) {
  const Node* unsqueeze = made_by(r.u, "Unsqueeze");
  if (unsqueeze && known_axes(*unsqueeze, 1, 5) == Ints{2}) return unsqueeze->input(0);
  return rw.op("Squeeze", {r.u, rw.constant(Tensor::int64s({2}), "axes")});
}

bool visit(const Node& n, Rewriter& rw) {
  const auto k = repeated(n.input(1)), v = repeated(n.input(2));
  if (!k || !v) return no(rw, "keys and values are not repeated head by head");
  if (k->times != v->times) return no(rw, "keys and values are not repeated alike");
  if (n.input(4) || n.input(5)) return no(rw, "past keys and values have all heads");
  for (std::size_t i = 1; i < n.outputs().size(); ++i)
    if (n.output(i)) return no(rw, "the keys with all heads are a result");
  for (const Repeated* r : {&*k, &*v}) {
    rw.consume(*r->expand);
    rw.consume(*r->reshape);
  }
  std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
  in[1] = without_dim(rw, *k);
  in[2] = without_dim(rw, *v);
  return becomes(n, rw, rw.op("Attention", std::move(in), n.attrs()));
}

}  // namespace

// k' = Reshape (Expand (Unsqueeze (k, 2)))  v' likewise  y = Attention (q, k', v', ...)  ==>  y = Attention (q, k, v, ...)
// The operator itself lets several heads of queries share one of keys: head i reads i / (heads of q / heads of k), as repeating each in a row does.
NodeRule fuse_grouped_attention() {
  return {"fuse-grouped-attention", "Keys and values that are repeated for several heads of queries as they are", "Attention", Level::o3, visit};
}

}  // namespace onnxopt
