// Finds the kernels of an operator row in ordered kernel lists.
#pragma once

#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "verify/exec/executor.h"

namespace onnxopt {

class KernelIndex {
 public:
  explicit KernelIndex(std::span<const std::span<const Kernel>> backends);
  // Entries that serve this row, in backend order.
  std::span<const Kernel* const> find(const OpSchema& op);
  // The first kernel that says yes; none: the reasons of those that said no, or "no kernel".
  Maybe<RunFn> prepare(const OpCall& call, ExecEnv& env);

 private:
  std::unordered_map<std::string_view, std::vector<const Kernel*>> by_name_;
  std::unordered_map<const OpSchema*, std::vector<const Kernel*>> by_row_;
};

}  // namespace onnxopt
