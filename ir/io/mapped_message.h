// A model file as one mapped message, for those who look at the file itself and not at the graph read from it. Internal to ir/io.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "ir/io/mapped_file.h"
#include "ir/io/read_context.h"

namespace onnxopt {

class MappedMessage {
 public:
  // Throws Error(bad_input) where the file cannot be read. External data is found beside it, hard links included.
  explicit MappedMessage(const std::filesystem::path& file);
  MappedMessage(const MappedMessage&) = delete;
  MappedMessage& operator=(const MappedMessage&) = delete;
  std::string_view bytes() const { return {context_.base, mapped_->size()}; }
  const ReadContext& context() const { return context_; }

 private:
  std::shared_ptr<const MappedFile> mapped_;
  ExternalData external_;
  SymbolTable symbols_;
  ReadContext context_;
};

}  // namespace onnxopt
