// What inference has put on values, kept aside while it works under an assumption. Internal to ir/ops.
#pragma once

#include <memory>
#include <vector>

#include "ir/core/graph.h"

namespace onnxopt {

class InferDriver;

// The values that inference gives types to: inputs of a body and outputs of nodes, with all bodies inside.
void collect_values(const Graph& body, std::vector<Value*>& values);
void collect_values(const Node& node, std::vector<Value*>& values);

// The types in a body, put back when this goes: what was inferred meanwhile held for one round of a loop, or for one call of a function.
class KeptTypes {
 public:
  KeptTypes(InferDriver& driver, Graph& body);
  ~KeptTypes();
  KeptTypes(const KeptTypes&) = delete;
  KeptTypes& operator=(const KeptTypes&) = delete;

 private:
  struct Kept {
    Value* value;
    Type type;
    std::unique_ptr<std::vector<Dim>> known;
    bool impossible;
  };
  InferDriver& driver_;
  std::vector<Kept> kept_;
};

}  // namespace onnxopt
