#include "passes/rewrite/missing_kernel.h"

#include <fmt/format.h>

#include <algorithm>

namespace onnxopt {
namespace {

// What ONNX Runtime's CPU kernels lack. Float16 is not among it: where a kernel is missing it computes in float.
constexpr std::string_view kNotForDouble[] = {
    "AveragePool", "Elu",   "Gelu", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "InstanceNormalization", "LeakyRelu",
    "Mish",        "PRelu", "Selu", "Softplus"};
constexpr std::string_view kBytesAndFloatsOnly[] = {"DepthToSpace", "SpaceToDepth"};

template <std::size_t N>
bool lists(const std::string_view (&table)[N], const Node& n) {
  return n.op().domain.empty() && std::find(std::begin(table), std::end(table), n.op().name) != std::end(table);
}

}  // namespace

std::string missing_kernel(const Node& n) {
  if (!n.input(0) || !n.input(0)->type.is_tensor()) return "";
  const DType t = n.input(0)->type.dtype;
  const bool missing = (t == DType::float64 && lists(kNotForDouble, n)) ||
                       ((t == DType::boolean || (is_integer(t) && bit_width(t) > 8)) && lists(kBytesAndFloatsOnly, n));
  return missing ? fmt::format("runtimes have no {} for {}", n.op().name, dtype_name(t)) : "";
}

}  // namespace onnxopt
