// A file of any kind as every output is written: whole under its name or not at all (see output_file.h), straight into /dev/null, a pipe or
// /dev/stdout.
#pragma once

#include <filesystem>
#include <string_view>

namespace onnxopt {

// Throws Error where it cannot be written: its folder is missing, it is a folder, it may not be written, the disk is full.
void write_file(const std::filesystem::path& file, std::string_view bytes);
// The same error before anything was computed, where that can be known.
void check_target(const std::filesystem::path& file);

}  // namespace onnxopt
