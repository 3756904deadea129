// Bounds-checked scanner over protobuf wire format. It never allocates and never reads outside its bytes; anything malformed throws
// Error(bad_input) naming the byte offset. Not a protobuf library: the readers of each message say what a field number means.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace onnxopt {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, start_group = 3, end_group = 4, fixed32 = 5 };

struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::varint;
  std::uint64_t value = 0;  // varint, fixed32, fixed64
  std::string_view bytes;   // length-delimited payload
  std::string_view raw;     // the whole field, tag included

  bool is(WireType t) const { return type == t; }
  std::int64_t as_int() const { return static_cast<std::int64_t>(value); }
  float as_float() const {
    const auto bits = static_cast<std::uint32_t>(value);
    float f;
    std::memcpy(&f, &bits, sizeof f);
    return f;
  }
};

class WireReader {
 public:
  // `base`: first byte of the file, for offsets in messages.
  WireReader(std::string_view message, const char* base) : at_(message.data()), end_(message.data() + message.size()), base_(base) {}
  // Next field; false at the end of the message.
  bool next(WireField& field);
  bool at_end() const { return at_ == end_; }
  std::uint64_t varint();
  std::uint64_t fixed(int bytes);
  [[noreturn]] void corrupt(const char* why) const;

 private:
  void skip_group(std::uint32_t number);

  const char *at_, *end_, *base_;
};

}  // namespace onnxopt
