#include "ir/text/read_file.h"

#include <fmt/format.h>

#include "ir/core/error.h"
#include "ir/io/mapped_file.h"
#include "ir/io/read_constants.h"
#include "ir/text/text.h"

namespace onnxopt {
namespace {

std::unique_ptr<Model> parse_file(const std::filesystem::path& file) {
  ParseOptions options;
  options.file = file.string();
  auto model = parse_model(read_text(file), options);
  if (model->file_opsets.empty()) model->file_opsets = model->opsets;
  for (const auto& f : model->functions)
    if (f->file_opsets.empty()) f->file_opsets = f->opsets;
  return model;
}

}  // namespace

bool is_text_file(const std::filesystem::path& file) { return file.extension() == ".onnxtxt"; }

std::string read_text(const std::filesystem::path& file) {
  const auto mapped = MappedFile::open(file);
  if (mapped->size() == 0) bad_input(fmt::format("{}: the file is empty", file.string()));
  return {reinterpret_cast<const char*>(mapped->bytes().data()), mapped->size()};
}

std::unique_ptr<Model> read_model_file(const std::filesystem::path& file, const ReadOptions& options) {
  return is_text_file(file) ? parse_file(file) : read_model(file, options);
}

std::unique_ptr<Model> read_model_file_with_constants(const std::filesystem::path& file, const ReadOptions& options) {
  return is_text_file(file) ? parse_file(file) : read_model_with_constants(file, options);
}

}  // namespace onnxopt
