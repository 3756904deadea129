// A parsed pipeline item: one pass, or a list to repeat until nothing changes.
#pragma once

#include "passes/core/manager.h"

namespace onnxopt {

struct PassManager::Step {
  std::string name;
  std::unique_ptr<Pass> pass;  // null: a list
  bool fixpoint = false;
  std::vector<std::unique_ptr<Step>> children;
};

}  // namespace onnxopt
