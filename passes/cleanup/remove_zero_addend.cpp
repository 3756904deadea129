// y = Add (x, 0.0)  ==>  x      O2: it turns -0.0 into 0.0
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  for (const std::size_t side : {std::size_t{1}, std::size_t{0}})
    if (n.input(side)->constant() && splat(n.input(side)) == 0.0) {
      Value* x = n.input(1 - side);
      return broadcasts_into(n.input(side), x) ? becomes(n, rw, x) : no(rw, "the constant may broadcast x to another shape");
    }
  return no(rw, "no operand is the constant 0");
}

}  // namespace

NodeRule remove_zero_addend() { return {"remove-zero-addend", "Remove the addition of 0", "Add", Level::o2, visit}; }

}  // namespace onnxopt
