#include "passes/opset/finite_pattern.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace onnxopt {
namespace {

constexpr std::size_t kMostStrings = 4096;
using Language = std::set<std::string>;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Language> all() {
    Language r = alternatives();
    if (at_ != text_.size()) fail();
    return failed_ ? std::nullopt : std::optional(std::move(r));
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0, depth_ = 0;
  bool failed_ = false;

  bool more() const { return !failed_ && at_ < text_.size(); }
  char peek() const { return text_[at_]; }
  bool take(std::string_view what) {
    if (failed_ || !text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  Language fail() {
    failed_ = true;
    return {};
  }

  Language alternatives() {
    Language r = sequence();
    while (take("|")) r.merge(sequence());
    return r.size() > kMostStrings ? fail() : r;
  }
  Language sequence() {
    Language r{""};
    while (more() && peek() != '|' && peek() != ')') r = joined(r, repeated(piece()));
    return r;
  }
  Language joined(const Language& a, const Language& b) {
    if (failed_ || a.size() * b.size() > kMostStrings) return fail();
    Language r;
    for (const std::string& x : a)
      for (const std::string& y : b) r.insert(x + y);
    return r;
  }
  // "?", "{n}", "{n,m}"; a second one behind would mean something else.
  Language repeated(Language what) {
    int least = 1, most = 1;
    if (take("?")) least = 0;
    else if (more() && peek() == '{') {
      ++at_;
      least = most = number();
      if (take(",")) most = number();
      if (!take("}") || most < least || most > 64) return fail();
    }
    if (more() && (peek() == '?' || peek() == '*' || peek() == '+' || peek() == '{')) return fail();
    Language r, power{""};
    for (int k = 0; k <= most && !failed_; ++k) {
      if (k >= least) r.insert(power.begin(), power.end());
      if (k < most) power = joined(power, what);
    }
    return r.size() > kMostStrings ? fail() : r;
  }
  int number() {
    if (!more() || !std::isdigit(static_cast<unsigned char>(peek()))) fail();
    int n = 0;
    while (more() && std::isdigit(static_cast<unsigned char>(peek())) && n < 1000) n = n * 10 + (text_[at_++] - '0');
    return n;
  }
  Language piece() {
    if (take("(")) {
      if (more() && peek() == '?' && !take("?:")) return fail();
      if (++depth_ > 32) return fail();
      Language r = alternatives();
      --depth_;
      return take(")") ? r : fail();
    }
    if (take("[")) return one_of();
    return {std::string(1, character())};
  }
  // A literal character; bytes of UTF-8 stand for themselves unless repeated alone, which is refused.
  char character() {
    const char c = text_[at_++];
    if (c == '\\') {
      if (!more() || std::isalnum(static_cast<unsigned char>(peek())) || static_cast<unsigned char>(peek()) > 127) fail();
      return failed_ ? '\0' : text_[at_++];
    }
    if (std::string_view("^$.*+?{}[]()|").find(c) != std::string_view::npos) fail();
    const bool whole = static_cast<unsigned char>(c) < 128;
    if (!whole && more() && std::string_view("?{*+").find(peek()) != std::string_view::npos) fail();
    return c;
  }
  Language one_of() {
    Language r;
    if (!more() || peek() == '^' || peek() == ']') return fail();
    while (more() && peek() != ']') {
      if (peek() == '[') return fail();
      const char first = class_character();
      char last = first;
      if (more() && peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        last = class_character();
      }
      if (failed_ || last < first) return fail();
      for (int c = first; c <= last; ++c) r.insert(std::string(1, static_cast<char>(c)));
    }
    return take("]") ? r : fail();
  }
  char class_character() {
    char c = text_[at_++];
    if (c == '\\') {
      if (!more() || std::isalnum(static_cast<unsigned char>(peek()))) fail();
      c = failed_ ? '\0' : text_[at_++];
    }
    if (static_cast<unsigned char>(c) > 127) fail();
    return c;
  }
};

}  // namespace

std::optional<std::vector<std::string>> strings_of_pattern(std::string_view pattern) {
  const auto all = Reader(pattern).all();
  if (!all || all->empty()) return std::nullopt;
  return std::vector<std::string>(all->begin(), all->end());
}

}  // namespace onnxopt
