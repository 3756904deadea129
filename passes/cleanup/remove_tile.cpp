// y = Tile (x, repeats)  ==>  x      where all repeats are 1
#include <algorithm>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const auto repeats = known_ints(n.input(1));
  const bool ones = repeats && std::all_of(repeats->begin(), repeats->end(), [](auto r) { return r == 1; });
  return ones || same_shape(n.input(0), n.output()) ? becomes(n, rw, n.input(0)) : no(rw, "a repeat is not provably 1");
}

}  // namespace

NodeRule remove_tile() { return {"remove-tile", "Remove Tile that repeats nothing", "Tile", Level::o1, visit}; }

}  // namespace onnxopt
