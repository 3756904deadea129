// Operators that work the same on a permuted layout, once their axes, pads and constants are permuted too: f (Transpose (x)) = Transpose (f' (x)).
#pragma once

#include "passes/cleanup/facts.h"

namespace onnxopt {

using Perm = Ints;  // Transpose <perm = p>: dim i of the result is dim p[i] of the input

Perm inverse(const Perm& p);
bool is_identity(const Perm& p);

// What has to change in `n` for it to read tensors of the layout before Transpose <perm = p>, and give its outputs in that layout.
struct Permuted {
  Attrs attrs;
  std::vector<std::pair<std::size_t, Tensor>> constants = {};  // inputs that become these constants
  Perm result = {};  // the outputs are Transpose <result> of the new ones; p but where dims are dropped or added
};
// nullopt: `n` is not such an operator, or something about it is not known. `rank` of the tensors is p.size(); every input that is not constant, the
// ones in `operands`, is such a tensor.
std::optional<Permuted> permuted(const Node& n, const Perm& p, Evaluator* evaluator);
// Inputs of `n` that carry tensors (the others are axes, pads, bounds: constants).
std::vector<std::size_t> tensor_operands(const Node& n);

}  // namespace onnxopt
