// y = Pad (x, zeros)  ==>  x
#include <algorithm>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const auto pads = known_ints(n.input(1));
  if (!pads || std::any_of(pads->begin(), pads->end(), [](auto p) { return p != 0; })) return no(rw, "a pad is not provably zero");
  return becomes(n, rw, n.input(0));
}

}  // namespace

NodeRule remove_pad() { return {"remove-pad", "Remove Pad by nothing", "Pad", Level::o1, visit}; }

}  // namespace onnxopt
