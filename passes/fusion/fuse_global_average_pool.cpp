#include <algorithm>

#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

// Someone flattens the result: fuse-reduce-reshape then makes one ReduceMean of both, which is a node less.
bool is_flattened(const Value& v) {
  return v.used_once() && std::any_of(v.uses().begin(), v.uses().end(), [](const Use& u) {
           return u.index == 0 && (u.node->is("Flatten") || u.node->is("Reshape") || u.node->is("Squeeze"));
         });
}

// The mean of x that is subtracted from x, or that of the squares of what is left: fuse-instance-norm takes both in, and looks for ReduceMean.
bool is_moment(const Node& n) {
  if (!n.is("ReduceMean")) return false;
  const Value* x = n.input(0);
  for (const Use& u : n.output()->uses())
    if (u.node->is("Sub") && u.node->input(1 - u.index) == x) return true;
  const Node* square = x->producer();
  if (!square || !(square->is("Mul") ? square->input(0) == square->input(1) : square->is("Pow"))) return false;
  return square->input(0)->producer() && square->input(0)->producer()->is("Sub");
}

bool visit(const Node& n, Rewriter& rw) {
  const Value* x = n.input(0);
  if (!x || !x->type.has_rank() || x->type.rank() < 3 || !is_float(x->type.dtype)) return false;
  if (n.attr<std::int64_t>("keepdims") != 1) return false;
  const auto axes = reduce_axes(n, rw.context());
  if (!axes || !are_trailing(*axes, x->type.rank()) || static_cast<std::int64_t>(axes->size()) != x->type.rank() - 2) {
    rw.give_up("not all axes behind the channels are reduced");
    return false;
  }
  if (x->type.rank() == 3) return rw.give_up("rank 3 is more often a sequence than an image"), false;
  if (x->type.rank() > 5) return rw.give_up("runtimes pool over at most three spatial axes"), false;
  const Shape& dims = *x->type.shape;
  const auto holds_elements = [&](Dim d) { return rw.symbols().lower_bound(d).value_or(0) >= 1; };
  if (!std::all_of(dims.begin() + 1, dims.end(), holds_elements))
    return rw.give_up("an image without pixels has a mean, but no runtime pools it"), false;
  if (is_flattened(*n.output())) return rw.give_up("the result is flattened"), false;
  if (is_moment(n)) return rw.give_up("it is part of a normalization"), false;
  rw.replace(n.output(), rw.op("GlobalAveragePool", {n.input(0)}));
  return true;
}

}  // namespace

// y = ReduceMean <keepdims = 1> (x, [2, 3])  ==>  y = GlobalAveragePool (x)
// Runtimes keep their blocked layouts over a pool, and have integer kernels for it. ReduceMax stays as it is: of -Inf and NaN runtimes' GlobalMaxPool
// makes something else.
NodeRule fuse_global_average_pool() {
  return {
      .name = "fuse-global-average-pool",
      .summary = "ReduceMean over all spatial axes to GlobalAveragePool",
      .ops = "ReduceMean",
      .level = Level::o2,
      .visit = visit,
  };
}

}  // namespace onnxopt
