// Written by tools/generate_op_table.py from the operator schema registries of onnx 1.23.2 and onnxruntime. Do not edit.
// clang-format off
#include "ir/ops/generated/op_data.h"

namespace onnxopt::op_data {
constinit const std::int64_t kInts[] = {
  0,
  2,
  3,
};
}  // namespace onnxopt::op_data
