#include "ir/io/mapped_message.h"

namespace onnxopt {

MappedMessage::MappedMessage(const std::filesystem::path& file) : mapped_(MappedFile::open(file)), external_(file.parent_path(), file, false) {
  context_.base = reinterpret_cast<const char*>(mapped_->bytes().data());
  context_.owner = mapped_;
  context_.on_disk = true;
  context_.external = &external_;
  context_.symbols = &symbols_;
}

}  // namespace onnxopt
