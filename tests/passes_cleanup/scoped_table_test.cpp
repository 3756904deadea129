#include "passes/cleanup/scoped_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>

TEST_SUITE_BEGIN("scoped_table_test");

namespace onnxopt {
namespace {

std::vector<int> all(const ScopedTable<int>& t, std::uint64_t hash) {
  std::vector<int> r;
  t.for_each(hash, [&](int& v) { r.push_back(v); });
  std::sort(r.begin(), r.end());
  return r;
}

TEST_CASE("equal hashes stand side by side, other hashes of the same chain stay apart") {
  int v[] = {1, 2, 3, 4};
  ScopedTable<int> t;
  CHECK(all(t, 5).empty());
  t.add(5, &v[0]);
  t.add(5 + (std::uint64_t{1} << 40), &v[1]);  // the same slot
  t.add(5, &v[2]);
  t.add(6, &v[3]);
  CHECK(all(t, 5) == std::vector<int>{1, 3});
  CHECK(all(t, 5 + (std::uint64_t{1} << 40)) == std::vector<int>{2});
  CHECK(all(t, 6) == std::vector<int>{4});
  CHECK(all(t, 7).empty());
}

// Against a plain list: nested scopes of random size, few distinct hashes, growth in between.
TEST_CASE("shrinking forgets exactly what came after") {
  std::uint64_t state = 1;
  const auto random = [&](std::uint64_t n) { return (state = state * 6364136223846793005ull + 1442695040888963407ull), (state >> 33) % n; };
  std::vector<int> values(5000);
  for (int i = 0; i < 5000; ++i) values[static_cast<std::size_t>(i)] = i;
  ScopedTable<int> table;
  std::vector<std::pair<std::uint64_t, int>> list;
  for (int round = 0; round < 300; ++round) {
    if (random(3) == 0) {
      const std::size_t keep = random(list.size() + 1);
      list.resize(keep);
      table.shrink(keep);
    }
    for (std::uint64_t n = random(40); n > 0 && list.size() < values.size(); --n) {
      const std::uint64_t hash = random(97) * (random(2) == 0 ? 1 : (std::uint64_t{1} << 32) + 1);
      list.emplace_back(hash, static_cast<int>(list.size()));
      table.add(hash, &values[list.size() - 1]);
    }
    CHECK(table.size() == list.size());
    const std::uint64_t hash = random(97);
    std::vector<int> expected;
    for (const auto& [h, v] : list)
      if (h == hash) expected.push_back(v);
    CHECK(all(table, hash) == expected);
  }
}

}  // namespace
}  // namespace onnxopt

TEST_SUITE_END();
