// Types that a target opset cannot hold at all (bfloat16 before 13, float8 before 19, int4 before 21, ...) become the next wider one that it can:
// `convert --widen-types`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "passes/opset/opset.h"

namespace onnxopt {

struct WidenReport {
  std::size_t constants = 0, values = 0;
  std::vector<std::string> interface;  // inputs and outputs of the model whose type changed
  bool arithmetic = false;             // values that were computed in 16 bits are now computed in 32
};
// In place, of a lifted and inferred model. Stored values stay exactly what they are. Nodes that round to such a type (Cast, QuantizeLinear) are left
// alone, except to bfloat16: without the rounding they would be something else.
// `also`: types that are widened though the opset has them; bit i: the DType of that number.
WidenReport widen_types(Model& model, const OutputOpsets& target, std::uint64_t also = 0);

}  // namespace onnxopt
