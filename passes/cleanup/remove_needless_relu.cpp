// y = Relu|Abs (g (x))  ==>  g (x)      where g is never negative: Abs, Exp, Relu, Sigmoid, HardSigmoid, Softmax, Softplus
// O2: what Relu makes of NaN is not the same everywhere.
#include <array>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  static constexpr std::array<std::string_view, 7> kNeverNegative = {"Abs", "Exp", "Relu", "Sigmoid", "HardSigmoid", "Softmax", "Softplus"};
  for (const auto op : kNeverNegative)
    if (made_by(n.input(0), op) && is_float_value(n.input(0))) return becomes(n, rw, n.input(0));
  return no(rw, "the input may be negative");
}

}  // namespace

NodeRule remove_needless_relu() { return {"remove-needless-relu", "Remove Relu and Abs of what is never negative", "Relu Abs", Level::o2, visit}; }

}  // namespace onnxopt
