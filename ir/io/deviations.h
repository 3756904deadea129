// What the ONNX specification forbids and onnx.checker refuses, but files in the wild have and runtimes read: this reader takes it as well, so only
// `onnxopt check` says it. For a file that read_model() accepts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace onnxopt {

// One line a kind, in a fixed order; of many places the first is named.
std::vector<std::string> deviations(const std::filesystem::path& file);

}  // namespace onnxopt
