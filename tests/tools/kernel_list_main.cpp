// Prints a line for each row of the operator table that a kernel of a backend serves: backend, domain, operator, version (tab-separated), for
// tools/generate_operator_docs.py.
#include <fmt/format.h>

#include "ir/ops/op_table.h"
#include "verify/exec/kernel_index.h"

int main() {
  using namespace onnxopt;
  const std::span<const Kernel> lists[] = {reference_kernels()};
  KernelIndex index(lists);
  for (const OpSchema& row : all_op_versions())
    if (!index.find(row).empty()) fmt::print("reference\t{}\t{}\t{}\n", row.domain, row.name, row.since);
  return 0;
}
