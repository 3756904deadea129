// Axes of Squeeze and Unsqueeze as positions, and how positions move when axes are taken out or put in.
#pragma once

#include "passes/cleanup/facts.h"

namespace onnxopt {

// Positions that Squeeze takes out of its input (normalized, sorted), or that Unsqueeze puts into its output. Squeeze without axes: all static 1s, if
// every other dim is provably not 1. nullopt: not known.
std::optional<Ints> squeeze_axes(const Node& n);
// Position `p` of a tensor in the larger tensor from which `axes` were taken out.
std::int64_t position_before_squeeze(std::int64_t p, const Ints& axes);
// The inverse; p must not be in axes.
std::int64_t position_after_squeeze(std::int64_t p, const Ints& axes);
bool contains(const Ints& sorted, std::int64_t v);

}  // namespace onnxopt
