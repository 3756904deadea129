// Files that hold one run-time value: TensorProto, SequenceProto, OptionalProto (the test data of ONNX backend tests, onnx-data.proto).
#pragma once

#include <filesystem>

#include "verify/exec/executor.h"

namespace onnxopt {

// `type` says which message the file holds (a tensor where it is unknown). Throws Error(bad_input).
RtValue read_value_file(const std::filesystem::path& file, const Type& type);

}  // namespace onnxopt
