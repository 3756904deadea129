// Folding several nodes at once, where one alone would not fit the growth budget although the whole group does: every use of a large intermediate
// result dies with the group, so only what leaves it is stored.
#pragma once

#include <functional>
#include <vector>

#include "passes/cleanup/facts.h"

namespace onnxopt {

struct FoldRegion {
  std::vector<const Node*> nodes;  // in list order
  std::vector<Value*> results;     // outputs that somebody outside the group uses
};

// The nodes that depend on constants only and hang together with `n`: what `n` feeds, and what that needs besides; where these do not fit, with what
// else reads the same large constants (the Slices that cut one weight to pieces: together they set it free). `foldable` says of a node, its
// inputs aside, whether it may be folded. Empty if it has more than 64 nodes, or its results, less the constants it sets free, are more than `budget`
// bytes or of unknown size.
FoldRegion fold_region(const Node& n, const std::function<bool(const Node&)>& foldable, std::int64_t budget);

}  // namespace onnxopt
