// Squeeze (ReduceX <keepdims = 1> (x, axes), axes)  ==>  ReduceX <keepdims = 0> (x, axes),    Unsqueeze (ReduceX <keepdims = 0> (x, axes), axes)  ==>
// keepdims = 1 Also ArgMax and ArgMin, and a Reshape that does the same. The reduction must have no other reader.
#include <numeric>

#include "passes/cleanup/squeeze_axes.h"

namespace onnxopt {
namespace {

bool is_reduction(const Node& n) {
  return n.op().domain.empty() && !n.kept && (n.op().name.starts_with("Reduce") || n.is("ArgMax") || n.is("ArgMin"));
}

// The reduced axes, normalized and sorted.
std::optional<Ints> reduced(const Node& n) {
  const auto rank = rank_of(n.input(0));
  if (!rank) return std::nullopt;
  if (!n.op().name.starts_with("Reduce")) {
    const auto a = normalize_axis(n.attr<std::int64_t>("axis"), *rank);
    return a ? std::optional<Ints>(Ints{*a}) : std::nullopt;
  }
  const auto axes = n.input(1) ? known_axes(n, 1, *rank) : std::optional<Ints>(Ints());
  if (!axes || !axes->empty()) return axes;
  if (n.attr<std::int64_t>("noop_with_empty_axes") != 0) return std::nullopt;
  Ints all(static_cast<std::size_t>(*rank));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// y is x reduced over `axes` with (keep) or without them.
bool has_reduced_shape(const Value* y, const Value* x, const Ints& axes, bool keep) {
  const Shape *s = shape_of(y), *in = shape_of(x);
  if (!s || !in) return false;
  Shape want;
  for (std::size_t i = 0; i < in->size(); ++i) {
    if (!contains(axes, static_cast<std::int64_t>(i))) want.push_back((*in)[i]);
    else if (keep) want.emplace_back(std::int64_t{1});
  }
  return same_dims(*s, want);
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* r = n.input(0)->producer();
  if (!r || !is_reduction(*r) || !plain(*r) || !plain(n)) return no(rw, "the input is not a reduction");
  if (!n.input(0)->used_once()) return no(rw, "the reduction has another reader");
  const bool keeps = r->attr<std::int64_t>("keepdims") != 0;
  const auto axes = reduced(*r);
  if (!axes) return no(rw, "the axes are not known");
  if (n.is("Reshape")) {
    if (!has_reduced_shape(n.output(), r->input(0), *axes, !keeps)) return no(rw, "Reshape does something else");
  } else {
    if (n.is("Squeeze") != keeps) return no(rw, "keepdims does not fit");
    if (squeeze_axes(n) != axes) return no(rw, "the axes differ");
  }
  std::vector<Value*> in(r->inputs().begin(), r->inputs().end());
  return becomes(n, rw, rw.op(r->op().name, in, with(*r, "keepdims", std::int64_t{keeps ? 0 : 1})));
}

}  // namespace

NodeRule merge_reduce_squeeze() {
  return {"merge-reduce-squeeze", "Let a reduction keep or drop its dims itself", "Squeeze Unsqueeze Reshape", Level::o1, visit};
}

}  // namespace onnxopt
