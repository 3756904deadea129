// What fuse-pad-conv and fuse-pad-pool share.
#pragma once

#include <optional>

#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// A Pad in front of input 0 of `n` (a convolution or pool over `spatial` axes) that adds `value` behind and in front of spatial axes only, and the
// pads of both together. nullopt: no such Pad (rw says why), or `n` pads by itself in a way that has no sum.
struct PadBefore {
  const Node* pad = nullptr;
  double value = 0;
  Ints pads;                   // of Pad and `n` together, begins then ends
  Ints added;                  // of Pad alone
  bool padded_itself = false;  // `n` has pads of its own
};
std::optional<PadBefore> pad_before(const Node& n, Rewriter& rw);
// Attributes of `n` with these pads.
Attrs with_pads(const Node& n, Ints pads);

}  // namespace onnxopt
