// Protobuf messages built byte by byte, so that tests can make what no library would write.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ir/io/io.h"

namespace onnxopt::test {

class Wire {
 public:
  Wire& number(std::uint32_t field, std::uint64_t value) { return tag(field, 0).varint(value); }
  Wire& bytes(std::uint32_t field, std::string_view value) {
    tag(field, 2).varint(value.size());
    text_ += value;
    return *this;
  }
  Wire& add(std::uint32_t field, const Wire& message) { return bytes(field, message.text_); }
  Wire& fixed32(std::uint32_t field, float value) {
    char raw[4];
    std::memcpy(raw, &value, 4);
    tag(field, 5).text_.append(raw, 4);
    return *this;
  }
  Wire& raw(std::string_view value) {
    text_ += value;
    return *this;
  }
  const std::string& str() const { return text_; }

 private:
  Wire& tag(std::uint32_t field, std::uint32_t type) { return varint(std::uint64_t{field} << 3 | type); }
  Wire& varint(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) text_.push_back(static_cast<char>(v | 0x80));
    text_.push_back(static_cast<char>(v));
    return *this;
  }
  std::string text_;
};

// ValueInfoProto of a float tensor without shape.
inline Wire value_info(std::string_view name) { return Wire().bytes(1, name).add(2, Wire().add(1, Wire().number(1, 1))); }
inline Wire node(std::string_view op, std::initializer_list<std::string_view> in, std::initializer_list<std::string_view> out) {
  Wire w;
  for (const auto i : in) w.bytes(1, i);
  for (const auto o : out) w.bytes(2, o);
  return w.bytes(4, op);
}
inline Wire opset(std::uint64_t version, std::string_view domain = "") { return Wire().bytes(1, domain).number(2, version); }
inline Wire model(const Wire& graph, std::uint64_t version = 17, std::uint64_t ir = 8) {
  return Wire().number(1, ir).add(7, graph).add(8, opset(version));
}
// x -> Relu -> y
inline Wire relu_graph() { return Wire().add(1, node("Relu", {"x"}, {"y"})).bytes(2, "g").add(11, value_info("x")).add(12, value_info("y")); }

inline std::unique_ptr<Model> read(const std::string& bytes, const std::filesystem::path& folder = "/nonexistent", const ReadOptions& options = {}) {
  return read_model(std::as_bytes(std::span(bytes)), nullptr, folder, options);
}
inline std::unique_ptr<Model> read(const Wire& w) { return read(w.str()); }
// The message of the Error that reading ends in; "" if there is none.
inline std::string refusal(const std::string& bytes, const std::filesystem::path& folder = "/nonexistent", const ReadOptions& options = {}) {
  try {
    read(bytes, folder, options);
  } catch (const Error& e) {
    return e.code() == ExitCode::bad_input ? e.what() : "wrong code";
  }
  return "";
}
inline std::string refusal(const Wire& w) { return refusal(w.str()); }
inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace onnxopt::test
