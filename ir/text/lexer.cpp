#include "ir/text/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace onnxopt::text {
namespace {

// Locale-independent.
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_id_start(char c) { return is_alpha(c) || c == '_'; }
bool is_id_char(char c) { return is_id_start(c) || is_digit(c); }

bool is_float_word(std::string_view s) {
  const auto is = [&](std::string_view w) {
    return s.size() == w.size() && std::equal(s.begin(), s.end(), w.begin(), [](char a, char b) { return (a | 0x20) == b; });
  };
  return is("inf") || is("infinity") || is("nan");
}

std::string printable(char c) {
  if (c >= 0x20 && c < 0x7f) return fmt::format("'{}'", c);
  return fmt::format("byte 0x{:02x}", static_cast<unsigned char>(c));
}

}  // namespace

bool is_identifier(std::string_view s) { return !s.empty() && is_id_start(s[0]) && std::all_of(s.begin(), s.end(), is_id_char); }

void Lexer::skip_space() {
  while (pos_ < text_.size()) {
    const char c = text_[pos_];
    if (is_space(c)) {
      ++pos_;
    } else if (c == '#') {
      const std::size_t end = std::min(text_.find('\n', pos_), text_.size());
      if (pos_ + 1 < end && text_[pos_ + 1] == '@' && pos_ >= notes_until_) {
        notes_.push_back({text_.substr(pos_ + 2, end - pos_ - 2), pos_ + 2});
        notes_until_ = end;  // the lexer may step back; a note counts once
      }
      pos_ = end;
    } else {
      return;
    }
  }
}

void Lexer::expect(char c, std::string_view where) {
  if (accept(c)) return;
  const std::string found = pos_ < text_.size() ? printable(text_[pos_]) : "the end of the text";
  fail(fmt::format("expected '{}' {}, found {}", c, where, found));
}

void Lexer::expect_arrow() {
  expect('=', "before '>' of '=>'");
  if (pos_ >= text_.size() || text_[pos_] != '>') fail("expected '=>' between inputs and outputs");
  ++pos_;
}

bool Lexer::at_identifier() { return is_id_start(peek()); }

std::string_view Lexer::identifier_or_empty() {
  if (!at_identifier()) return {};
  const std::size_t from = pos_;
  while (pos_ < text_.size() && is_id_char(text_[pos_])) ++pos_;
  return text_.substr(from, pos_ - from);
}

std::string_view Lexer::identifier(std::string_view what) {
  const std::string_view id = identifier_or_empty();
  if (id.empty()) fail(fmt::format("expected {}", what));
  return id;
}

std::string_view Lexer::peek_identifier() {
  const std::size_t from = pos();
  const std::string_view id = identifier_or_empty();
  pos_ = from;
  return id;
}

std::string Lexer::quotable_id(std::string_view what) { return peek() == '"' ? string_literal(what) : std::string(identifier(what)); }

std::string Lexer::string_literal(std::string_view what) {
  if (peek() != '"') fail(fmt::format("expected {} in double quotes", what));
  const std::size_t from = pos_ + 1;
  std::size_t end = from;
  bool escaped = false;
  while (end < text_.size() && text_[end] != '"') {
    if (text_[end] == '\\') {
      escaped = true;
      ++end;
    }
    ++end;
  }
  if (end >= text_.size()) fail("string without closing quote");
  pos_ = end + 1;
  const std::string_view body = text_.substr(from, end - from);
  if (!escaped) return std::string(body);
  std::string r;
  r.reserve(body.size());
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] == '\\') ++i;
    r += body[i];
  }
  return r;
}

std::string_view Lexer::plain_string_view(std::string_view what) {
  if (peek() != '"') fail(fmt::format("expected {} in double quotes", what));
  const std::size_t end = text_.find('"', pos_ + 1);
  if (end == std::string_view::npos) fail("string without closing quote");
  const std::string_view body = text_.substr(pos_ + 1, end - pos_ - 1);
  if (body.find('\\') != std::string_view::npos) fail(fmt::format("{} holds a backslash", what));
  pos_ = end + 1;
  return body;
}

bool Lexer::at_number() {
  const char c = peek();
  if (is_digit(c) || c == '-') return true;
  return is_alpha(c) && is_float_word(peek_identifier());
}

Lexer::Number Lexer::number(std::string_view what) {
  const char first = peek();
  const std::size_t from = pos_;
  if (first == '-') ++pos_;
  if (pos_ < text_.size() && is_alpha(text_[pos_])) {
    const std::size_t word = pos_;
    while (pos_ < text_.size() && is_id_char(text_[pos_])) ++pos_;
    if (!is_float_word(text_.substr(word, pos_ - word))) fail_at(from, fmt::format("expected {}", what));
    return {text_.substr(from, pos_ - from), true};
  }
  const auto digits = [&] {
    const std::size_t start = pos_;
    while (pos_ < text_.size() && is_digit(text_[pos_])) ++pos_;
    return pos_ > start;
  };
  if (!digits()) fail_at(from, fmt::format("expected {}", what));
  bool is_float = false;
  if (pos_ < text_.size() && text_[pos_] == '.') {
    is_float = true;
    ++pos_;
    digits();
  }
  if (pos_ < text_.size() && (text_[pos_] == 'e' || text_[pos_] == 'E')) {
    is_float = true;
    ++pos_;
    if (pos_ < text_.size() && (text_[pos_] == '+' || text_[pos_] == '-')) ++pos_;
    if (!digits()) fail_at(from, "exponent without digits");
  }
  return {text_.substr(from, pos_ - from), is_float};
}

std::int64_t Lexer::integer(std::string_view what) {
  const std::size_t from = pos();
  const Number n = number(what);
  std::int64_t v = 0;
  if (n.is_float || !to_number(n.text, v)) fail_at(from, fmt::format("expected {} (a 64-bit integer), found {}", what, n.text));
  return v;
}

std::vector<NoteLine> Lexer::take_notes() {
  skip_space();
  return std::exchange(notes_, {});
}

std::string Lexer::where(std::size_t pos) const {
  pos = std::min(pos, text_.size());
  const auto line = std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(pos), '\n');
  const std::size_t start = pos == 0 ? std::string_view::npos : text_.rfind('\n', pos - 1);
  const std::size_t column = start == std::string_view::npos ? pos + 1 : pos - start;
  return fmt::format("{}:{}:{}", file_, first_line_ + line, column);
}

void Lexer::fail_at(std::size_t pos, const std::string& message) const { bad_input(where(pos) + ": " + message); }

namespace {
template <class T>
bool from_text(std::string_view text, T& v) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
  return ec == std::errc() && end == text.data() + text.size();
}
// from_chars reports underflow as out of range and leaves the value alone; strtod gives the rounded one.
template <class T>
bool from_float_text(std::string_view text, T& v) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (end != text.data() + text.size() || ec == std::errc::invalid_argument) return false;
  if (ec == std::errc()) return true;
  const std::string copy(text);
  if constexpr (sizeof(T) == 4) v = std::strtof(copy.c_str(), nullptr);
  else v = std::strtod(copy.c_str(), nullptr);
  return !std::isinf(v);
}
}  // namespace

bool to_number(std::string_view text, std::int64_t& v) { return from_text(text, v); }
bool to_number(std::string_view text, std::uint64_t& v) { return from_text(text, v); }
bool to_number(std::string_view text, float& v) { return from_float_text(text, v); }
bool to_number(std::string_view text, double& v) { return from_float_text(text, v); }

}  // namespace onnxopt::text
