// Version of the program, as reports and --version show it.
#pragma once

#include <fmt/format.h>

#include <string>

#include "ir/ops/op_table.h"

namespace onnxopt {

inline constexpr const char* kVersion = "0.1.0";
inline std::string version_text() { return fmt::format("onnxopt {} (ONNX opset {}, IR version {})", kVersion, kNewestOpset, kNewestIrVersion); }

}  // namespace onnxopt
