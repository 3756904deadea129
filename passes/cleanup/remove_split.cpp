// y = Split (x)  ==>  x      with one output
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) { return n.outputs().size() == 1 ? becomes(n, rw, n.input(0)) : no(rw, "there are several parts"); }

}  // namespace

NodeRule remove_split() { return {"remove-split", "Remove Split into one part", "Split", Level::o1, visit}; }

}  // namespace onnxopt
