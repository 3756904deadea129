// y = ReduceMax|Min|Sum|Mean|Prod <keepdims = 1> (x, axes)  ==>  x      where all reduced dims are 1
// Float ReduceSum and ReduceMean from O2 on: runtimes begin with 0.0, and 0.0 + -0.0 is 0.0.
#include <algorithm>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Shape* s = shape_of(n.input(0));
  if (!s || !plain(n)) return no(rw, "the rank is not known");
  if (n.attr<std::int64_t>("keepdims") == 0 && !s->empty()) return no(rw, "the dims are dropped");
  const auto axes = n.input(1) ? known_axes(n, 1, static_cast<std::int64_t>(s->size())) : std::optional<Ints>(Ints());
  if (!axes) return no(rw, "the axes are not known");
  if (axes->empty() && n.attr<std::int64_t>("noop_with_empty_axes") != 0) return becomes(n, rw, n.input(0));
  for (std::size_t i = 0; i < s->size(); ++i) {
    const bool is_reduced = axes->empty() || std::find(axes->begin(), axes->end(), static_cast<std::int64_t>(i)) != axes->end();
    if (is_reduced && !(*s)[i].is(1)) return no(rw, "a reduced dim is not 1");
  }
  const bool adds = (n.is("ReduceSum") || n.is("ReduceMean")) && !is_integer(n.input(0)->type.dtype);
  if (adds && rw.context().level < Level::o2) return no(rw, "a sum turns -0.0 into 0.0");
  return becomes(n, rw, n.input(0));
}

}  // namespace

NodeRule remove_reduce() {
  return {"remove-reduce", "Remove reductions over single elements", "ReduceMax ReduceMin ReduceSum ReduceMean ReduceProd", Level::o1, visit};
}

}  // namespace onnxopt
