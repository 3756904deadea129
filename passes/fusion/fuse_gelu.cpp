#include "passes/fusion/gelu_pattern.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

// y = x * 0.5 * (1 + Erf (x / sqrt(2)))  ==>  y = Gelu (x)
// In the orders that PyTorch, TensorFlow and Keras write. From opset 20.
Rule fuse_gelu() {
  static const std::string text =
      combine_patterns(gelu_of_quotient(), gelu_products()) + "\nor\n" + combine_patterns(gelu_of_product(), gelu_products());
  return {
      .name = "fuse-gelu",
      .summary = "x * 0.5 * (1 + Erf (x / sqrt(2))) to Gelu",
      .match = text,
      .rewrite = [](const Match& m, Rewriter& rw) { rw.replace(m["y"], rw.op("Gelu", {m["x"]})); },
  };
}

}  // namespace onnxopt
