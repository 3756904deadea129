// y = Reshape (x, shape)  ==>  x      where y provably has the shape of x; also Flatten
#include "passes/cleanup/reshape_operand.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  return same_after_reshape(n.input(0), n.output()) ? becomes(n, rw, n.input(0)) : no(rw, "the shapes are not provably equal");
}

}  // namespace

NodeRule remove_reshape() {
  return {"remove-reshape", "Remove Reshape and Flatten that leave the shape as it is", "Reshape Flatten", Level::o1, visit};
}

}  // namespace onnxopt
