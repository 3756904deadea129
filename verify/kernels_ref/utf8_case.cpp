#include "verify/kernels_ref/utf8_case.h"

#include <algorithm>

#include "ir/core/error.h"

namespace onnxopt::ref {
namespace {

// The code point at `at`, which moves behind it.
char32_t decode(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return byte(at++);
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  constexpr char32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
  char32_t c = lead & (0x3Fu >> more);
  bool good = lead >= 0xC2 && lead <= 0xF4 && at + static_cast<std::size_t>(more) < text.size();
  for (int i = 1; good && i <= more; ++i) {
    good = (byte(at + static_cast<std::size_t>(i)) & 0xC0) == 0x80;
    if (good) c = c << 6 | (byte(at + static_cast<std::size_t>(i)) & 0x3F);
  }
  if (!good || c < kSmallest[more] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) bad_input("a string is not UTF-8");
  at += static_cast<std::size_t>(more) + 1;
  return c;
}

void encode(char32_t c, std::string& out) {
  const auto put = [&](char32_t bits) { out.push_back(static_cast<char>(bits)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) put(0xC0 | c >> 6);
  else {
    if (c < 0x10000) put(0xE0 | c >> 12);
    else {
      put(0xF0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3F));
    }
    put(0x80 | (c >> 6 & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

}  // namespace

std::string change_case(std::string_view text, CaseChange way) {
  if (way == CaseChange::none) return std::string(text);
  const auto runs = case_runs(way);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    char32_t c = decode(text, at);
    const auto it = std::lower_bound(runs.begin(), runs.end(), c, [](const CaseRun& r, char32_t x) { return r.last < x; });
    if (it != runs.end() && it->first <= c && (c - it->first) % static_cast<char32_t>(it->step) == 0)
      c = static_cast<char32_t>(static_cast<std::int32_t>(c) + it->delta);
    encode(c, out);
  }
  return out;
}

}  // namespace onnxopt::ref
