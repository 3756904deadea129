#include <algorithm>

#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

bool visit(const Node& n, Rewriter& rw) {
  constexpr std::size_t at = 2;
  if (!n.input(at)) return false;
  const Tensor* b = constant_of(n.input(at), rw.context());
  if (!b || !is_weight_type(b->dtype()) || b->size() == 0) return false;
  const auto bytes = b->bytes();
  // +0.0 only: the byte pattern of all types is zero then.
  if (!std::all_of(bytes.begin(), bytes.end(), [](std::byte x) { return x == std::byte{0}; })) return rw.give_up("the bias is not zero"), false;
  for (std::size_t i = 1; i < n.outputs().size(); ++i)
    if (n.output(i)) return false;
  std::vector<Value*> in(n.inputs().begin(), n.inputs().begin() + static_cast<std::ptrdiff_t>(at));
  Attrs attrs = n.attrs();
  if (n.is("Gemm")) attrs.remove("beta");
  rw.replace(n.output(), rw.op(n.op().name, std::move(in), std::move(attrs)));
  return true;
}

}  // namespace

// y = Conv|ConvTranspose|Gemm|LayerNormalization (x, W, zeros)  ==>  y = Conv (x, W)
NodeRule remove_zero_bias() {
  return {
      .name = "remove-zero-bias",
      .summary = "Remove a bias of zeros from Conv, ConvTranspose, Gemm and LayerNormalization",
      .ops = "Conv ConvTranspose Gemm LayerNormalization",
      .level = Level::o2,
      .visit = visit,
  };
}

}  // namespace onnxopt
