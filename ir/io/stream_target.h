// Targets that are written into, not replaced: /dev/null, a pipe, /dev/stdout.
#pragma once

#include <filesystem>

namespace onnxopt {

// The open file of this process that a name stands for, links followed: 1 for /dev/stdout, 3 for /dev/fd/3; -1 for every other name.
int descriptor_named(const std::filesystem::path& file);

// True for such a name, and for what exists and is neither a regular file nor a folder. What is written there cannot be read back.
bool is_stream_target(const std::filesystem::path& file);

}  // namespace onnxopt
