// y = Slice (x, starts, ends, axes?, steps?)  ==>  x      where y provably has the shape of x and every step is 1
#include <algorithm>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  if (!same_shape(n.input(0), n.output())) return no(rw, "the shapes are not provably equal");
  if (n.input(4)) {
    const auto steps = known_ints(n.input(4));
    if (!steps || std::any_of(steps->begin(), steps->end(), [](auto s) { return s != 1; })) return no(rw, "a step is not 1");
  }
  return becomes(n, rw, n.input(0));
}

}  // namespace

NodeRule remove_slice() { return {"remove-slice", "Remove Slice that takes everything", "Slice", Level::o1, visit}; }

}  // namespace onnxopt
