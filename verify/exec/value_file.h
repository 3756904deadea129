// Files that hold one run-time value (ir/io/value_io.h): the test data of ONNX backend tests.
#pragma once

#include <filesystem>
#include <string>

#include "verify/exec/executor.h"

namespace onnxopt {

// `type` says which message the file holds (a tensor where it is unknown). Throws Error(bad_input).
RtValue read_value_file(const std::filesystem::path& file, const Type& type);
// The message is chosen by what the value is.
void write_value_file(const std::filesystem::path& file, const RtValue& value, const std::string& name);

}  // namespace onnxopt
