// com.microsoft.Tokenizer: strings cut into tokens by separators, by an expression that tokens match, or into characters
// (onnxruntime docs/ContribOperators.md; what that leaves open as ONNX Runtime 1.31 does it).
#include "verify/kernels_ref/tokenizer.h"

#include <re2/re2.h>

#include <algorithm>
#include <memory>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using Tokens = std::vector<std::string_view>;
using Expression = std::shared_ptr<const RE2>;

// Bytes of the character that starts at `at`.
std::size_t character(std::string_view s, std::size_t at) {
  std::size_t end = at + 1;
  while (end < s.size() && (static_cast<unsigned char>(s[end]) & 0xC0) == 0x80) ++end;
  return std::min(end, s.size()) - at;
}
bool is_long_enough(std::string_view token, std::size_t least) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < token.size() && count < least; ++count) at += character(token, at);
  return count >= least;
}

Expression expression(const std::string& pattern) {
  RE2::Options options;
  options.set_longest_match(true);
  options.set_log_errors(false);
  auto e = std::make_shared<const RE2>(pattern, options);
  if (!e->ok()) bad_input(fmt::format("the pattern '{}' is not valid: {}", pattern, e->error()));
  return e;
}

Tokens characters(std::string_view s) {
  Tokens tokens;
  for (std::size_t at = 0, n = 0; at < s.size(); at += n) tokens.push_back(s.substr(at, n = character(s, at)));
  return tokens;
}

// What lies between the matches. A match of nothing removes the character that it is at.
void split(std::string_view s, const RE2& separator, std::size_t least, Tokens& tokens) {
  const auto add = [&](std::size_t from, std::size_t to) {
    if (to > from && is_long_enough(s.substr(from, to - from), least)) tokens.push_back(s.substr(from, to - from));
  };
  std::size_t at = 0;
  re2::StringPiece match;
  while (at <= s.size() && separator.Match(s, at, s.size(), RE2::UNANCHORED, &match, 1)) {
    const auto from = static_cast<std::size_t>(match.data() - s.data());
    add(at, from);
    if (from == s.size()) return;  // a match of the end
    at = from + (match.empty() ? character(s, from) : match.size());
  }
  add(std::min(at, s.size()), s.size());
}

// The matches. After one that is too short the search goes on at its second character.
Tokens matches(std::string_view s, const RE2& token, std::size_t least) {
  Tokens tokens;
  std::size_t at = 0;
  re2::StringPiece match;
  while (at < s.size() && token.Match(s, at, s.size(), RE2::UNANCHORED, &match, 1)) {
    const auto from = static_cast<std::size_t>(match.data() - s.data());
    const bool taken = !match.empty() && is_long_enough({match.data(), match.size()}, least);
    if (taken) tokens.push_back(s.substr(from, match.size()));
    at = from + (taken ? match.size() : character(s, from));
  }
  return tokens;
}

struct Rules {
  std::vector<Expression> separators;  // empty: by token, or where that is null, by character
  Expression token;
  std::size_t least = 1;
  bool mark = false;
  std::string pad;

  Tokens cut(std::string_view s) const {
    if (token) return matches(s, *token, least);
    if (separators.empty()) return characters(s);
    Tokens tokens{s};
    for (const Expression& separator : separators) {
      Tokens parts;
      for (std::string_view t : tokens) split(t, *separator, least, parts);
      tokens = std::move(parts);
    }
    return tokens;
  }
};

void run_tokenizer(KernelIo& io, const Rules& rules) {
  const Tensor& x = io.in(0);
  if (x.rank() < 1 || x.rank() > 2) bad_input(fmt::format("a tensor of {}; [C] or [N, C] is expected", dims_text(x.dims())));
  if (x.size() == 0) {
    Dims empty = x.dims();
    empty.back() = 0;
    return io.set(0, Tensor::from_strings(empty, {}));
  }
  std::vector<Tokens> rows;
  std::size_t width = 0;
  for (const std::string& s : x.strings()) {
    rows.push_back(rules.cut(s));
    width = std::max(width, rows.back().size());
  }
  const bool mark = rules.mark && width > 0;
  if (mark) width += 2;
  Dims dims = x.dims();
  dims.push_back(static_cast<int64_t>(width));
  std::vector<std::string> out;
  out.reserve(rows.size() * width);
  for (const Tokens& row : rows) {
    const std::size_t end = out.size() + width;
    if (mark) out.emplace_back("\x02");
    out.insert(out.end(), row.begin(), row.end());
    if (mark) out.emplace_back("\x03");
    out.resize(end, rules.pad);
  }
  io.set(0, Tensor::from_strings(dims, std::move(out)));
}

}  // namespace

Maybe<RunFn> prepare_tokenizer(const OpCall& call, ExecEnv&) {
  Rules rules;
  const auto least = attr<int64_t>(call, "mincharnum");
  const auto separators = attr_or<Strings>(call, "separators", {});
  const auto token = attr_or<std::string>(call, "tokenexp", "");
  const bool by_character = separators.size() == 1 && separators[0].empty();
  if (least < 1 || (by_character && least > 1)) bad_input(fmt::format("a mincharnum of {}", least));
  if (separators.empty() && token.empty()) bad_input("neither separators nor tokenexp");
  rules.least = static_cast<std::size_t>(least);
  rules.mark = attr<int64_t>(call, "mark") != 0;
  rules.pad = attr<std::string>(call, "pad_value");
  if (separators.empty()) rules.token = expression(token);
  else if (!by_character)
    for (const std::string& s : separators) rules.separators.push_back(expression(s));
  return RunFn([rules](KernelIo& io) { run_tokenizer(io, rules); });
}

}  // namespace onnxopt::ref
