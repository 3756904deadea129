// Characters to tokens of the ONNX text syntax. Not a token stream: the grammar is LL(1) on characters, so the parser asks for what it expects.
// Comments run from '#' to the end of the line; a line `#@ ...` is a note (docs/text-format.md), collected until the parser takes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/core/error.h"

namespace onnxopt::text {

// One `#@` line, without the marker. `pos`: offset of its first character.
struct NoteLine {
  std::string_view text;
  std::size_t pos;
};

class Lexer {
 public:
  Lexer(std::string_view text, std::string file, int first_line) : text_(text), file_(std::move(file)), first_line_(first_line) {}

  bool at_end() {
    skip_space();
    return pos_ >= text_.size();
  }
  char peek() {
    skip_space();
    return pos_ < text_.size() ? text_[pos_] : '\0';
  }  // '\0' also at the end
  bool accept(char c) {
    if (peek() != c || pos_ >= text_.size()) return false;
    ++pos_;
    return true;
  }
  void expect(char c, std::string_view where);
  void expect_arrow();  // "=>"

  bool at_identifier();
  bool at_quotable_id() { return peek() == '"' || at_identifier(); }
  std::string_view identifier_or_empty();  // [A-Za-z_][A-Za-z0-9_]*
  std::string_view identifier(std::string_view what);
  std::string_view peek_identifier();
  std::string quotable_id(std::string_view what);     // identifier or string
  std::string string_literal(std::string_view what);  // "..." where \c stands for c
  // As string_literal, but a view into the text, for long literals (base64); fails on a backslash.
  std::string_view plain_string_view(std::string_view what);

  struct Number {
    std::string_view text;
    bool is_float;  // '.', an exponent, inf or nan
  };
  bool at_number();  // digit, '-', inf, infinity, nan
  Number number(std::string_view what);
  std::int64_t integer(std::string_view what);

  std::vector<NoteLine> take_notes();  // those up to the next token

  std::size_t pos() {
    skip_space();
    return pos_;
  }
  void seek(std::size_t pos) { pos_ = pos; }
  std::size_t remaining() const { return text_.size() - pos_; }
  [[noreturn]] void fail(const std::string& message) { fail_at(pos_, message); }
  [[noreturn]] void fail_at(std::size_t pos, const std::string& message) const;
  std::string where(std::size_t pos) const;  // "file:line:column"

 private:
  void skip_space();
  std::string_view text_;
  std::string file_;
  int first_line_;
  std::size_t pos_ = 0, notes_until_ = 0;
  std::vector<NoteLine> notes_;
};

bool is_identifier(std::string_view s);

// Number text -> value; false if out of range or malformed.
bool to_number(std::string_view text, std::int64_t& v);
bool to_number(std::string_view text, std::uint64_t& v);
bool to_number(std::string_view text, float& v);  // underflow rounds, overflow is false
bool to_number(std::string_view text, double& v);

}  // namespace onnxopt::text
