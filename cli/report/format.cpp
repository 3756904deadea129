#include "cli/report/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <span>
#include <string_view>

namespace onnxopt {
namespace {

std::string scaled(double n, std::span<const std::string_view> units, std::string_view suffix) {
  std::size_t u = 0;
  while (n >= 1000 && u + 1 < units.size()) {
    n /= 1000;
    ++u;
  }
  const std::string_view gap = units[u].empty() && suffix.empty() ? "" : " ";
  return u == 0 ? fmt::format("{:.0f}{}{}{}", n, gap, units[u], suffix) : fmt::format("{:.3g}{}{}{}", n, gap, units[u], suffix);
}

constexpr std::array<std::string_view, 5> kUnits = {"", "k", "M", "G", "T"};

bool looks_numeric(const std::string& s) {
  return !s.empty() && (std::isdigit(static_cast<unsigned char>(s[0])) || ((s[0] == '-' || s[0] == '+') && s.size() > 1));
}

}  // namespace

std::string human_bytes(std::uint64_t n) { return scaled(static_cast<double>(n), kUnits, "B"); }
std::string human_count(double n) { return scaled(n, kUnits, ""); }
std::string human_ms(double ms) { return ms < 1000 ? fmt::format("{:.3g} ms", ms) : fmt::format("{:.3g} s", ms / 1000); }

std::string printable(std::string_view text) {
  std::string r;
  for (const char c : text) {
    if (c == '\n') r += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) r += fmt::format("\\x{:02x}", c);
    else r += c;
  }
  return r;
}

void Table::add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = printable(cell);
  rows_.push_back(std::move(row));
}

std::string Table::text(int indent) const {
  std::vector<std::size_t> width(rows_[0].size(), 0);
  std::vector<bool> numeric(rows_[0].size(), rows_.size() > 1);
  for (std::size_t r = 0; r < rows_.size(); ++r)
    for (std::size_t c = 0; c < rows_[r].size(); ++c) {
      width[c] = std::max(width[c], rows_[r][c].size());
      if (r > 0 && !rows_[r][c].empty() && rows_[r][c] != "-" && !looks_numeric(rows_[r][c])) numeric[c] = false;
    }
  std::string out;
  for (const auto& row : rows_) {
    std::string line(static_cast<std::size_t>(indent), ' ');
    for (std::size_t c = 0; c < row.size(); ++c)
      line += numeric[c] ? fmt::format("{:>{}}  ", row[c], width[c]) : fmt::format("{:<{}}  ", row[c], width[c]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

void complain(const std::string& text) { std::fputs(text.c_str(), stderr); }

}  // namespace onnxopt
