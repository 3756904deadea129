// Every rule and every whole-graph pass has a case file of its name in tests/cases/passes, with a case that it changes and one that it leaves.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "passes/rewrite/node_rule.h"
#include "tests/case_runner/run_case.h"
#include "tests/source_dir.h"

namespace onnxopt {
namespace {

void check_cases(std::string_view name) {
  const std::filesystem::path path = std::filesystem::path(test::source_dir()) / "tests/cases/passes" / (std::string(name) + ".onnxtxt");
  INFO(path.string());
  REQUIRE(std::filesystem::exists(path));
  const cases::CaseFile file = cases::read_case_file(path);
  CHECK(file.pipeline == name);
  CHECK(std::any_of(file.passes.begin(), file.passes.end(), [](const cases::PassCase& c) { return c.unchanged; }));
  // An AFTER that equals its BEFORE would pass as a case; that something fires is asked of the pass itself.
  CHECK(
      std::any_of(file.passes.begin(), file.passes.end(), [&](const cases::PassCase& c) { return !c.unchanged && cases::run_case(file, c).fired; }));
}

TEST_SUITE("rule_cases_test") {
  TEST_CASE("pattern rules") {
    for (const auto make : all_rules()) check_cases(make().name);
  }
  TEST_CASE("node rules") {
    for (const auto make : all_node_rules()) check_cases(make().name);
  }
  TEST_CASE("whole-graph passes") {
    for (const PassEntry& p : graph_passes()) check_cases(p.name);
  }
}

}  // namespace
}  // namespace onnxopt
