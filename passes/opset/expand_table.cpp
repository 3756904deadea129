// Every decomposition, sorted by operator.
#include "passes/opset/expand.h"

namespace onnxopt {

std::span<const Decomposition> decompositions() { return {}; }

}  // namespace onnxopt
