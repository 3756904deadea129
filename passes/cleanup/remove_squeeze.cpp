// y = Squeeze|Unsqueeze (x, axes?)  ==>  x      where the rank does not change
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const auto before = rank_of(n.input(0)), after = rank_of(n.output());
  if (!before || !after || *before != *after) return no(rw, "the rank changes or is not known");
  return becomes(n, rw, n.input(0));
}

}  // namespace

NodeRule remove_squeeze() { return {"remove-squeeze", "Remove Squeeze and Unsqueeze of no axis", "Squeeze Unsqueeze", Level::o1, visit}; }

}  // namespace onnxopt
