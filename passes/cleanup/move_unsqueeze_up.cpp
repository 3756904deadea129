// y = Unsqueeze (Cos (x), a);  z = Unsqueeze (Sin (x), a)   ==>   u = Unsqueeze (x, a);  y = Cos (u);  z = Sin (u)
// What several operators that look at each element by itself make of one tensor gets its new axes once, in front: the tables of rotary embeddings.
#include <algorithm>

#include "passes/cleanup/squeeze_axes.h"

namespace onnxopt {
namespace {

constexpr std::size_t kMostReaders = 8;

// `n` looks at each element of its one input by itself.
bool is_unary(const Node& n) {
  return n.op().has(kElementwise) && n.op().domain.empty() && n.inputs().size() == 1 && n.outputs().size() == 1 && plain(n);
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* made = n.input(0)->producer();
  if (!made || !is_unary(*made) || made->input(0)->constant()) return no(rw, "not behind an operator of one input");
  Value* x = made->input(0);
  const auto axes = squeeze_axes(n);
  if (!axes) return no(rw, "the axes are not known");
  if (x->uses().size() < 2 || x->uses().size() > kMostReaders) return no(rw, "no other operator on the same tensor gets these axes");
  std::vector<const Node*> last;  // the Unsqueezes
  for (const Use& u : x->uses()) {
    const Node& f = *u.node;
    if (f.kept || f.graph() != n.graph() || !is_unary(f) || !f.output()->used_once()) continue;
    const Node& q = *f.output()->uses()[0].node;
    if (q.is("Unsqueeze") && !q.kept && q.graph() == n.graph() && squeeze_axes(q) == axes) last.push_back(&q);
  }
  if (last.size() < 2) return no(rw, "no other operator on the same tensor gets these axes");
  if (rotary_embeddings_wanted(rw.context())) return no(rw, "tables of rotary embeddings");
  const Graph& g = rw.graph();
  if (*std::min_element(last.begin(), last.end(), [&](const Node* a, const Node* b) { return g.is_before(*a, *b); }) != &n) return false;
  Value* u = rw.op("Unsqueeze", {x, n.input(1)});
  for (const Node* q : last) {
    const Node& f = *q->input(0)->producer();
    rw.consume(f);
    rw.consume(*q);
    rw.replace(q->output(), rw.op(f.op().name, {u}, f.attrs()));
  }
  return true;
}

}  // namespace

NodeRule move_unsqueeze_up() { return {"move-unsqueeze-up", "Give new axes once to what several operators read", "Unsqueeze", Level::o1, visit}; }

}  // namespace onnxopt
