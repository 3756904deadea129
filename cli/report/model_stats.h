// What `inspect` and the report of `optimize` say of a model: sizes, operator counts, cost. Counts are of the graph as the file has it, Constant
// nodes left out (they are data), subgraphs and function bodies included.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

struct TensorStat {
  std::string name, type;
  std::uint64_t bytes = 0;
};

struct GraphStats {
  std::size_t nodes = 0;                   // subgraphs and function bodies included, Constant nodes not
  std::map<std::string, std::size_t> ops;  // "Conv", "com.microsoft.Gelu"
  std::uint64_t parameters = 0;            // elements of all constants
  std::uint64_t weight_bytes = 0;
  std::vector<TensorStat> largest;  // constants, largest first, at most 10
};
GraphStats graph_stats(Model& model);

// From inferred shapes; what is not static counts as 0 and is listed as unknown.
struct CostStats {
  double macs = 0;                          // multiply-accumulates of Conv, ConvTranspose, MatMul, Gemm, recurrent and attention operators
  std::size_t unknown_nodes = 0;            // of those operators, nodes whose shapes are not static
  std::uint64_t peak_activation_bytes = 0;  // most bytes of values alive at once, in list order, weights not included
  bool activations_static = true;
};
CostStats cost_stats(Model& lifted);

std::string op_label(const Node& n);                         // "Conv", "com.microsoft.Gelu"
std::string type_text(const Type& t, SymbolTable& symbols);  // "float[1,3,224,224]"

}  // namespace onnxopt
