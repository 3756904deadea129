// y = Gather <axis> (x, [0, 1, .. d-1])  ==>  x      d the dim of x along the axis
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Shape* s = shape_of(n.input(0));
  const Tensor* t = n.input(1)->constant();
  if (!s || !t || t->rank() != 1 || !plain(n)) return no(rw, "the indices are not a constant list");
  const auto axis = normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(s->size()));
  if (!axis || !(*s)[static_cast<std::size_t>(*axis)].is(t->size())) return no(rw, "not all of the dim is taken");
  const auto indices = known_ints(n.input(1));
  for (std::size_t i = 0; i < indices->size(); ++i)
    if ((*indices)[i] != static_cast<std::int64_t>(i)) return no(rw, "the order changes");
  return becomes(n, rw, n.input(0));
}

}  // namespace

NodeRule remove_gather() { return {"remove-gather", "Remove Gather that takes everything in order", "Gather", Level::o1, visit}; }

}  // namespace onnxopt
