// y = Unsqueeze (Mul (Cast (Unsqueeze (x, a)), c), b)   ==>   y = Mul (Cast (Unsqueeze (x, a and b)), c)
// Between two Unsqueezes: operators of one input that look at each element by itself, Cast, arithmetic with a constant that lies behind the new axes,
// and Concat of one tensor with itself.
#include <algorithm>

#include "passes/cleanup/squeeze_axes.h"

namespace onnxopt {
namespace {

constexpr std::size_t kMostSteps = 8;

// All readers of `v` are inputs of `n`.
bool read_by(const Value& v, const Node& n) {
  return !v.is_graph_output() && std::all_of(v.uses().begin(), v.uses().end(), [&](const Use& u) { return u.node == &n; });
}

bool is_arithmetic(const Node& n) { return n.is("Add") || n.is("Sub") || n.is("Mul") || n.is("Div"); }

// The input of `n` that takes part in the change of axes, which stand at `axes` of the result; null: `n` cannot be passed.
Value* passed_input(const Node& n, const Ints& axes, std::int64_t rank, const PassContext& ctx) {
  if (n.kept || !plain(n) || n.outputs().size() != 1 || !n.op().domain.empty()) return nullptr;
  if (n.is("Cast") || (n.op().has(kElementwise) && n.inputs().size() == 1)) return n.input(0);
  if (n.is("Concat")) {
    if (rotary_embeddings_wanted(ctx)) return nullptr;  // fuse-rotary-embedding knows tables by their rank
    return std::all_of(n.inputs().begin(), n.inputs().end(), [&](const Value* v) { return v == n.input(0); }) ? n.input(0) : nullptr;
  }
  if (!is_arithmetic(n)) return nullptr;
  for (std::size_t i = 0; i < 2; ++i) {
    const Tensor* c = n.input(1 - i)->constant();
    const auto other = rank_of(n.input(i));
    if (c && other && c->rank() <= *other && axes.back() < rank - c->rank()) return n.input(i);
  }
  return nullptr;
}

Value* rebuilt(const Node& n, Value* old, Value* x, const Ints& axes, Rewriter& rw) {
  std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
  std::replace(in.begin(), in.end(), old, x);
  Attrs attrs = n.attrs();
  if (n.is("Concat")) {
    const auto axis = normalize_axis(n.attr<std::int64_t>("axis"), *rank_of(n.output()));
    attrs.set("axis", position_before_squeeze(*axis, axes));
  }
  return rw.op(n.op().name, std::move(in), std::move(attrs));
}

bool visit(const Node& n, Rewriter& rw) {
  const auto axes = squeeze_axes(n);
  const auto rank = rank_of(n.output());
  if (!axes || axes->empty() || !rank) return no(rw, "the axes are not known");
  std::vector<const Node*> steps;
  const Node* reader = &n;
  Value* v = n.input(0);
  while (true) {
    const Node* made = v->producer();
    if (!made || made->graph() != n.graph() || !read_by(*v, *reader)) return no(rw, "no Unsqueeze in front that nobody else reads");
    if (made->is("Unsqueeze") && !made->kept && plain(*made)) break;
    Value* next = steps.size() < kMostSteps ? passed_input(*made, *axes, *rank, rw.context()) : nullptr;
    if (!next || (made->is("Concat") && !rank_of(made->output()))) return no(rw, "no Unsqueeze in front that nobody else reads");
    steps.push_back(made);
    reader = made;
    v = next;
  }
  if (steps.empty()) return no(rw, "merge-squeezes does this");
  const Node& first = *v->producer();
  const auto inner = squeeze_axes(first);
  if (!inner) return no(rw, "the axes are not known");
  Ints merged = *axes;
  for (const auto p : *inner) merged.push_back(position_before_squeeze(p, *axes));
  std::sort(merged.begin(), merged.end());
  Value* x = rw.op("Unsqueeze", {first.input(0), rw.constant(Tensor::int64s(merged), "axes")});
  rw.consume(first);
  for (std::size_t i = steps.size(); i-- > 0;) {
    x = rebuilt(*steps[i], v, x, *axes, rw);
    v = steps[i]->output();
    rw.consume(*steps[i]);
  }
  return becomes(n, rw, x);
}

}  // namespace

NodeRule merge_unsqueezes() {
  return {"merge-unsqueezes", "One Unsqueeze for two with elementwise operators in between", "Unsqueeze", Level::o1, visit};
}

}  // namespace onnxopt
