// All whole-graph passes, by hand, sorted by name. Each is created by a function in the file of its name.
#include <array>

#include "passes/core/pass.h"

namespace onnxopt {

std::span<const PassEntry> graph_passes() {
  static constexpr std::array<PassEntry, 0> kPasses = {};
  return kPasses;
}

}  // namespace onnxopt
