#include "ir/io/wire_writer.h"

#include "ir/io/fields.h"

namespace onnxopt {

void WireWriter::put(std::string_view bytes) {
  at_ += bytes.size();
  if (!sink_) return;
  if (buffer_.size() + bytes.size() > kBuffer) {
    sink_->write(buffer_);
    buffer_.clear();
  }
  if (bytes.size() >= kBuffer) sink_->write(bytes);
  else buffer_.append(bytes);
}

void WireWriter::finish() {
  ONNXOPT_CHECK(sink_ && next_ == sizes_.size(), "fewer messages written than measured");
  sink_->write(buffer_);
  buffer_.clear();
}

void WireWriter::float32(std::uint32_t field, float value) {
  tag(field, WireType::fixed32);
  char text[4];
  std::memcpy(text, &value, 4);  // little-endian host and format
  put({text, 4});
}

void WireWriter::mapped_bytes(std::uint32_t field, std::string_view value) {
  tag(field, WireType::bytes);
  varint(value.size());
  if (!sink_ || value.size() < kBuffer) {
    put(value);
    return;
  }
  sink_->write(buffer_);
  buffer_.clear();
  sink_->write_mapped(value);
  at_ += value.size();
}

void WireWriter::string_entry(std::uint32_t field, std::string_view key, std::string_view value) {
  message(field, [&] {
    bytes(pb::string_entry::key, key);
    bytes(pb::string_entry::value, value);
  });
}

}  // namespace onnxopt
