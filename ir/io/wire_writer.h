// Protobuf wire output with 64-bit sizes. The same writing code runs twice: first without a sink, where the length of every nested message is
// recorded, then with a sink, where the lengths are known ahead and everything streams out in order. So nothing is built up in memory.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/core/error.h"
#include "ir/io/wire_reader.h"

namespace onnxopt {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::string_view bytes) = 0;
  // Bytes of a mapped file, which may be dropped from memory once they are written.
  virtual void write_mapped(std::string_view bytes) { write(bytes); }
};

class StringSink : public ByteSink {
 public:
  explicit StringSink(std::string& out) : out_(out) {}
  void write(std::string_view bytes) override { out_.append(bytes); }

 private:
  std::string& out_;
};

class WireWriter {
 public:
  WireWriter() = default;  // measures
  WireWriter(const WireWriter& measured, ByteSink& sink) : sizes_(measured.sizes_), sink_(&sink) {}
  WireWriter(WireWriter&& measured, ByteSink& sink) : sizes_(std::move(measured.sizes_)), sink_(&sink) {}
  std::uint64_t size() const { return at_; }
  void finish();  // flushes to the sink

  void uint(std::uint32_t field, std::uint64_t value) {
    tag(field, WireType::varint);
    varint(value);
  }
  void sint(std::uint32_t field, std::int64_t value) { uint(field, static_cast<std::uint64_t>(value)); }
  void float32(std::uint32_t field, float value);
  void bytes(std::uint32_t field, std::string_view value) {
    tag(field, WireType::bytes);
    varint(value.size());
    put(value);
  }
  void text(std::uint32_t field, std::string_view value) {
    if (!value.empty()) bytes(field, value);
  }  // empty is absent
  void mapped_bytes(std::uint32_t field, std::string_view value);
  void verbatim(std::string_view fields) { put(fields); }  // whole fields, tags included
  void string_entry(std::uint32_t field, std::string_view key, std::string_view value);
  template <class Body>
  void message(std::uint32_t field, Body&& body) {
    if (!sink_) {
      const std::size_t slot = sizes_.size();
      sizes_.push_back(0);
      const std::uint64_t start = at_;
      body();
      sizes_[slot] = at_ - start;
      tag(field, WireType::bytes);
      varint(sizes_[slot]);
      return;
    }
    const std::uint64_t length = sizes_[next_++];
    tag(field, WireType::bytes);
    varint(length);
    const std::uint64_t end = at_ + length;
    body();
    ONNXOPT_CHECK(at_ == end, "a message was measured with another length");
  }

 private:
  static constexpr std::size_t kBuffer = std::size_t{1} << 16;

  void tag(std::uint32_t field, WireType type) { varint(std::uint64_t{field} << 3 | static_cast<std::uint64_t>(type)); }
  void varint(std::uint64_t value) {
    if (!sink_) {
      at_ += value == 0 ? 1 : (static_cast<std::uint64_t>(std::bit_width(value)) + 6) / 7;
      return;
    }
    char text[10];
    std::size_t n = 0;
    for (; value >= 0x80; value >>= 7) text[n++] = static_cast<char>(value | 0x80);
    text[n++] = static_cast<char>(value);
    put({text, n});
  }
  void put(std::string_view bytes);

  std::vector<std::uint64_t> sizes_;
  std::size_t next_ = 0;
  ByteSink* sink_ = nullptr;
  std::uint64_t at_ = 0;
  std::string buffer_;
};

// Runs `write(WireWriter&)` twice into one string.
template <class Write>
void serialize_to(std::string& out, Write&& write) {
  WireWriter measured;
  write(measured);
  StringSink sink(out);
  out.reserve(out.size() + measured.size());
  WireWriter writer(std::move(measured), sink);
  write(writer);
  writer.finish();
}

}  // namespace onnxopt
