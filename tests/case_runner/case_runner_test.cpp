// The runner notices what it is there to notice.
#include <doctest/doctest.h>

#include "tests/case_runner/check_rewrite.h"

namespace onnxopt {
namespace {

cases::Outcome run(std::string_view sections) {
  const cases::CaseFile file = cases::parse_case_file("test", "# PASS remove-identity\n# CASE c\n" + std::string(sections));
  return cases::run_case(file, file.passes.at(0));
}
bool failed_with(const cases::Outcome& o, std::string_view part) {
  for (const std::string& f : o.failures)
    if (f.find(part) != std::string::npos) return true;
  return false;
}

TEST_SUITE("case_runner_test") {
  constexpr std::string_view kBefore = "# BEFORE\ng (float[N] x) => (float[N] y) { a = Identity (x)  y = Exp (a) }\n";

  TEST_CASE("a right case passes, also from C++") {
    CHECK(run(std::string(kBefore) + "# AFTER\ng (float[N] x) => (float[N] y) { y = Exp (x) }\n").failures.empty());
    check_rewrite("remove-identity", "g (float[N] x) => (float[N] y) { a = Identity (x)  y = Exp (a) }",
                  "g (float[N] x) => (float[N] y) { y = Exp (x) }");
    check_unchanged("remove-identity", "g (float[N] x) => (float[N] y) { y = Exp (x) }");
  }
  TEST_CASE("a wrong AFTER") {
    const cases::Outcome o = run(std::string(kBefore) + "# AFTER\ng (float[N] x) => (float[N] y) { y = Log (x) }\n");
    CHECK(failed_with(o, "Exp-13 -> 'y' and Log-13 -> 'y'"));
    CHECK(o.after.find("y = Exp (x)") != std::string::npos);
  }
  TEST_CASE("an empty AFTER is to be filled in") {
    const cases::Outcome o = run(std::string(kBefore) + "# AFTER\n\n");
    CHECK(failed_with(o, "AFTER is empty"));
    CHECK(o.after.find("y = Exp (x)") != std::string::npos);
  }
  TEST_CASE("UNCHANGED that changes, and a reason that nobody gives") {
    CHECK(failed_with(run(std::string(kBefore) + "# UNCHANGED\n"), "must stay as it is"));
    CHECK(failed_with(run("# BEFORE\ng (float[N] x) => (float[N] y) { y = Identity (x) }\n# UNCHANGED because the moon is full\n"),
                      "does not say 'the moon is full'"));
  }
  TEST_CASE("a graph that does not parse, and one whose types cannot be") {
    CHECK(failed_with(run("# BEFORE\ng (float[N] x) => (float[N] y) { y = Exp (q) }\n# UNCHANGED\n"), "test:4:43: 'q' is not defined"));
    CHECK(failed_with(run("# BEFORE\ng (float[4] x) => (float[5] y) { y = Exp (x) }\n# UNCHANGED\n"), "declared type of output 'y'"));
  }
  TEST_CASE("outputs that prove nothing") {
    const std::string vacuous =
        "# BEFORE\ng (float[N] x) => (float[N] y) <float z = {0}> { a = Identity (x)  y = Mul (a, z) }\n# AFTER\ng (float[N] x) => (float[N] y) "
        "<float z = {0}> { y = Mul (x, z) }\n";
    CHECK(failed_with(run(vacuous), "proves nothing of 'y'"));
    CHECK(run("# OPTIONS untrusted\n" + vacuous).failures.empty());
  }
  TEST_CASE("SAME graphs all count") {
    const std::string after = "# AFTER\ng (float[N] x) => (float[N] y) { y = Exp (x) }\n";
    CHECK(failed_with(run(std::string(kBefore) + "# SAME\ng (float[N] x) => (float[N] y) { a = Identity (x)  y = Log (a) }\n" + after), "graph 2: "));
  }
  TEST_CASE("files that are no case files") {
    CHECK_THROWS_WITH(cases::parse_case_file("f", "# PASS p\n# CASE c\n# BEFORE\ng () => () {}\n"), "f:2: a case with neither AFTER nor UNCHANGED");
    CHECK_THROWS_WITH(cases::parse_case_file("f", "# CASE c\n"), "f:1: CASE before PASS or KERNEL");
    CHECK_THROWS_WITH(cases::parse_case_file("f", "# PASS p\nwhat\n"), "f:2: text outside a section");
  }
  TEST_CASE("a kernel case") {
    const auto kernel = [](std::string_view outputs) {
      const cases::CaseFile file = cases::parse_case_file("k",
                                                          "# KERNEL Add\n# CASE c\n# MODEL\ng (float[2] x, float[2] w) => (float[2] y) { y = Add (x, "
                                                          "w) }\n# INPUTS\nfloat[2] x = {1, 2}, float[2] w = {10, 20}\n# OUTPUTS\n" +
                                                              std::string(outputs) + "\n");
      return cases::run_case(file, file.kernels.at(0));
    };
    CHECK(kernel("float[2] y = {11, 22}").failures.empty());
    CHECK(failed_with(kernel("float[2] y = {11, 23}"), "output 'y'"));
    CHECK(failed_with(kernel("float[2] z = {11, 22}"), "no output 'z'"));
  }
}

}  // namespace
}  // namespace onnxopt
