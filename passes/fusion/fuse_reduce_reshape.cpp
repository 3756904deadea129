#include <algorithm>

#include "passes/fusion/conditions.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

bool is_reduction(const Node& n) {
  static constexpr std::string_view kOps[] = {"GlobalAveragePool", "ReduceL1",  "ReduceL2",   "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
                                              "ReduceMean",        "ReduceMin", "ReduceProd", "ReduceSum",    "ReduceSumSquare"};
  return std::any_of(std::begin(kOps), std::end(kOps), [&](std::string_view op) { return n.is(op); });
}

bool visit(const Node& n, Rewriter& rw) {
  const Value* r = n.input(0);
  const Node* reduce = r ? r->producer() : nullptr;
  if (!reduce || reduce->kept || !is_reduction(*reduce)) return false;
  const bool pool = reduce->is("GlobalAveragePool");
  if (!pool && !n.is("Flatten")) return false;  // merge-reduce-squeeze has the others
  if (!r->used_once()) return rw.give_up("the reduction has another reader"), false;
  const Value* x = reduce->input(0);
  if (!x || !x->type.has_rank() || is_quantized(x)) return rw.give_up("the rank is not known, or the reduction is quantized"), false;
  Ints axes;
  if (pool) {
    for (std::int64_t i = 2; i < x->type.rank(); ++i) axes.push_back(i);
  } else {
    const auto given = reduce_axes(*reduce, rw.context());
    if (!given || reduce->attr<std::int64_t>("keepdims") != 1) return rw.give_up("the axes are not known or not kept"), false;
    axes = *given;
  }
  Shape rest;
  for (std::int64_t i = 0; i < x->type.rank(); ++i)
    if (!std::binary_search(axes.begin(), axes.end(), i)) rest.push_back((*x->type.shape)[static_cast<std::size_t>(i)]);
  const Type& y = n.output()->type;
  const bool fits = y.has_rank() && y.shape->size() == rest.size() && std::equal(rest.begin(), rest.end(), y.shape->begin(), [&](Dim a, Dim b) {
                      return same(a, b) || rw.symbols().provably_equal(a, b);
                    });
  if (axes.empty() || !fits) return rw.give_up("the result is not the reduced shape without its ones"), false;
  Attrs attrs = reduce->attrs();
  attrs.set("keepdims", std::int64_t{0});
  const std::string_view op = pool ? "ReduceMean" : reduce->op().name;
  rw.consume(*reduce);
  rw.replace(n.output(), rw.op(op, {reduce->input(0), rw.constant(Tensor::int64s(axes), "axes")}, std::move(attrs)));
  return true;
}

}  // namespace

// p = GlobalAveragePool (x)  y = Flatten|Reshape|Squeeze (p)  ==>  y = ReduceMean <keepdims = 0> (x, [2, 3])
// and so for Flatten after every reduction that keeps its dims only to lose them. GlobalMaxPool stays: runtimes pool -Inf to the lowest number and
// pass over NaN, ReduceMax does neither.
NodeRule fuse_reduce_reshape() {
  return {
      .name = "fuse-reduce-reshape",
      .summary = "A reduction or global average pool and the Flatten, Reshape or Squeeze that drops its ones to one reduction",
      .ops = "Flatten Reshape Squeeze",
      .level = Level::o2,
      .visit = visit,
  };
}

}  // namespace onnxopt
