#include "ir/core/nearest.h"

#include <algorithm>
#include <cctype>

namespace onnxopt {
namespace {

constexpr std::size_t kMostCompared = 100'000, kLongest = 200;  // names of a big graph: a message must not take seconds

std::string plain(std::string_view s) {
  std::string r(s.substr(0, kLongest));
  for (char& c : r) c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return r;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

std::vector<std::pair<std::size_t, std::string_view>> by_distance(std::string_view name, std::span<const std::string> names) {
  const std::string wanted = plain(name);
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const std::string& n : names.first(std::min(names.size(), kMostCompared))) near.emplace_back(edit_distance(wanted, plain(n)), n);
  std::sort(near.begin(), near.end());
  return near;
}

}  // namespace

std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string> names, std::size_t count) {
  std::vector<std::string> r;
  for (const auto& [distance, n] : by_distance(name, names))
    if (r.size() < count) r.emplace_back(n);
  return r;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> names) {
  const auto near = by_distance(name, names);
  if (near.empty() || near.front().second.empty()) return {};
  const std::size_t most = 1 + name.size() / 4;
  return near.front().first <= most ? "; did you mean '" + std::string(near.front().second) + "'?" : std::string();
}

}  // namespace onnxopt
