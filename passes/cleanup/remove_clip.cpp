// y = Clip (x, min?, max?)  ==>  x      where neither bound is given, or each is infinite
#include <cmath>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool unbounded(const Value* bound, double infinity) { return !bound || splat(bound) == infinity; }

bool visit(const Node& n, Rewriter& rw) {
  return unbounded(n.input(1), -HUGE_VAL) && unbounded(n.input(2), HUGE_VAL) ? becomes(n, rw, n.input(0)) : no(rw, "there is a bound");
}

}  // namespace

NodeRule remove_clip() { return {"remove-clip", "Remove Clip without bounds", "Clip", Level::o1, visit}; }

}  // namespace onnxopt
