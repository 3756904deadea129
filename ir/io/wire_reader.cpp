#include "ir/io/wire_reader.h"

#include <fmt/format.h>

#include "ir/core/error.h"

namespace onnxopt {
namespace {

constexpr int kMaxGroupDepth = 100;  // as protobuf's own recursion limit
constexpr std::uint32_t kMaxFieldNumber = (1u << 29) - 1;

}  // namespace

void WireReader::corrupt(const char* why) const {
  bad_input(fmt::format("corrupt protobuf at byte {}: {}; the file is damaged, truncated or not an ONNX model", at_ - base_, why));
}

std::uint64_t WireReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (at_ == end_) corrupt("a number runs past the end");
    const auto byte = static_cast<unsigned char>(*at_++);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  corrupt("a number has more than 10 bytes");
}

std::uint64_t WireReader::fixed(int bytes) {
  if (end_ - at_ < bytes) corrupt("a fixed-width number runs past the end");
  std::uint64_t value = 0;
  std::memcpy(&value, at_, static_cast<std::size_t>(bytes));  // both sides are little-endian
  at_ += bytes;
  return value;
}

void WireReader::skip_group(std::uint32_t number) {
  std::uint32_t open[kMaxGroupDepth] = {number};
  int depth = 1;
  WireField inner;
  while (depth > 0) {
    if (at_ == end_) corrupt("a group is not closed");
    const std::uint64_t tag = varint();
    inner.number = static_cast<std::uint32_t>(tag >> 3);
    switch (static_cast<WireType>(tag & 7)) {
      case WireType::varint: varint(); break;
      case WireType::fixed64: fixed(8); break;
      case WireType::fixed32: fixed(4); break;
      case WireType::bytes: {
        const std::uint64_t length = varint();
        if (length > static_cast<std::uint64_t>(end_ - at_)) corrupt("a field runs past the end");
        at_ += length;
        break;
      }
      case WireType::start_group:
        if (depth == kMaxGroupDepth) corrupt("groups are nested too deeply");
        open[depth++] = inner.number;
        break;
      case WireType::end_group:
        if (open[--depth] != inner.number) corrupt("a group is closed by another one's end");
        break;
      default: corrupt("unknown wire type");
    }
  }
}

bool WireReader::next(WireField& field) {
  if (at_ == end_) return false;
  const char* start = at_;
  const std::uint64_t tag = varint();
  const std::uint64_t number = tag >> 3;
  if (number == 0 || number > kMaxFieldNumber) corrupt("impossible field number");
  field.number = static_cast<std::uint32_t>(number);
  field.type = static_cast<WireType>(tag & 7);
  field.value = 0;
  field.bytes = {};
  switch (field.type) {
    case WireType::varint: field.value = varint(); break;
    case WireType::fixed64: field.value = fixed(8); break;
    case WireType::fixed32: field.value = fixed(4); break;
    case WireType::bytes: {
      const std::uint64_t length = varint();
      if (length > static_cast<std::uint64_t>(end_ - at_)) corrupt("a field runs past the end");
      field.bytes = {at_, static_cast<std::size_t>(length)};
      at_ += length;
      break;
    }
    case WireType::start_group: skip_group(field.number); break;
    default: corrupt("unknown wire type");
  }
  field.raw = {start, static_cast<std::size_t>(at_ - start)};
  return true;
}

}  // namespace onnxopt
