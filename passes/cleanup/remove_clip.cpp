// y = Clip (x, min?, max?)  ==>  x      where neither bound is given, or each is infinite
// From O2 on, a float Clip without a bound: the specification then bounds by the largest finite number, which makes that of an infinity.
#include <cmath>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool unbounded(const Value* bound, double infinity) { return !bound || splat(bound) == infinity; }

bool visit(const Node& n, Rewriter& rw) {
  if (!unbounded(n.input(1), -HUGE_VAL) || !unbounded(n.input(2), HUGE_VAL)) return no(rw, "there is a bound");
  const bool by_default = !n.input(1) || !n.input(2), integer = n.input(0)->type.is_tensor() && is_integer(n.input(0)->type.dtype);
  if (by_default && !integer && rw.context().level < Level::o2) return no(rw, "infinities become the largest finite numbers");
  return becomes(n, rw, n.input(0));
}

}  // namespace

NodeRule remove_clip() { return {"remove-clip", "Remove Clip without bounds", "Clip", Level::o1, visit}; }

}  // namespace onnxopt
