// A model from a file of either kind.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "ir/io/io.h"

namespace onnxopt {

// By their ending: `print --full`, `reduce` and reproducers write text.
bool is_text_file(const std::filesystem::path& file);
std::string read_text(const std::filesystem::path& file);

// read_model, of text too.
std::unique_ptr<Model> read_model_file(const std::filesystem::path& file, const ReadOptions& options = {});
// read_model_with_constants, of text too. Text keeps its Constant nodes; lifting makes them constants.
std::unique_ptr<Model> read_model_file_with_constants(const std::filesystem::path& file, const ReadOptions& options = {});

}  // namespace onnxopt
