// y = Expand (x, shape)  ==>  x      where y provably has the shape of x
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  if (same_shape(n.input(0), n.output())) return becomes(n, rw, n.input(0));
  const auto shape = known_ints(n.input(1));
  const auto rank = rank_of(n.input(0));
  if (!shape || !rank || static_cast<std::int64_t>(shape->size()) > *rank) return no(rw, "the shapes are not provably equal");
  for (auto d : *shape)
    if (d != 1) return no(rw, "the shapes are not provably equal");
  return becomes(n, rw, n.input(0));
}

}  // namespace

NodeRule remove_expand() { return {"remove-expand", "Remove Expand that leaves the shape as it is", "Expand", Level::o1, visit}; }

}  // namespace onnxopt
