// The conformance runner must see wrong answers: of stored values, of random ones, of tests without data.
#include "verify/conformance/conformance.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "cli/report/conformance_report.h"
#include "tests/source_dir.h"
#include "verify/conformance/disputed.h"

using namespace onnxopt;
namespace fs = std::filesystem;

namespace {

const fs::path kCarried = fs::path(test::source_dir()) / "tests/conformance";

RtValue floats(std::vector<float> v) { return Tensor::of<float>({static_cast<std::int64_t>(v.size())}, v); }

// Draws of ten numbers of {0, 1}, one more of them in each draw.
std::vector<RtValue> bernoulli_draws() {
  std::vector<RtValue> draws;
  for (std::size_t ones = 3; ones <= 7; ++ones)
    for (std::size_t turn = 0; turn < 10; ++turn) {
      std::vector<float> v(10);
      for (std::size_t i = 0; i < ones; ++i) v[(i + turn) % 10] = 1;
      draws.push_back(floats(v));
    }
  return draws;
}

ConformanceOptions reference() {
  ConformanceOptions o;
  o.backends = {reference_kernels()};
  return o;
}

}  // namespace

TEST_SUITE("conformance_test") {
  TEST_CASE("stored values are compared by tolerance, type and shape") {
    CHECK(compare_output(floats({1, 2}), floats({1, 2}), {}).empty());
    CHECK(compare_output(floats({1, 2.001F}), floats({1, 2}), {}).empty());
    CHECK_FALSE(compare_output(floats({1, 2.003F}), floats({1, 2}), {}).empty());
    CHECK(compare_output(floats({1, 2, 3}), floats({1, 2}), {}) == "shape [3], expected [2]");
    CHECK(compare_output(Tensor::int64s({1, 2}), floats({1, 2}), {}) == "int64, expected float");
    const auto half = [](std::uint16_t bits) {
      return RtValue(Tensor::from_bytes(DType::bfloat16, {1}, {std::byte(bits & 0xFF), std::byte(bits >> 8)}));
    };
    CHECK(compare_output(half(0x3F80 + 2), half(0x3F80), {}).empty());  // two steps of bfloat16
    CHECK_FALSE(compare_output(half(0x3F80 + 3), half(0x3F80), {}).empty());
    CHECK_FALSE(compare_output(half(0x3F80 + 1), half(0x3F80), {0, 0}).empty());
    CHECK(compare_output(RtValue(), floats({1}), {}) == "nothing, expected a tensor");
    CHECK_FALSE(compare_output(Tensor::from_strings({1}, {"a"}), Tensor::from_strings({1}, {"b"}), {}).empty());
  }

  TEST_CASE("random values are judged by what other seeds give") {
    const auto draws = bernoulli_draws();
    CHECK(compare_random_output(draws, floats({1, 0, 0, 1, 0, 1, 0, 1, 0, 1})).empty());
    CHECK_FALSE(compare_random_output(draws, floats({1, 0, 0, 1, 0, 1, 0, 1, 0, 0.5F})).empty());  // a value that no draw has
    CHECK_FALSE(compare_random_output(draws, floats({2, 0, 0, 1, 0, 1, 0, 1, 0, 1})).empty());
    CHECK_FALSE(compare_random_output(draws, floats({1, 0, 1})).empty());
    CHECK_FALSE(compare_random_output(draws, Tensor::int64s({1, 0, 0, 1, 0, 1, 0, 1, 0, 1})).empty());
    std::vector<RtValue> rare;  // one 1 in each draw: ten of them are no such draw
    for (std::size_t i = 0; i < draws.size(); ++i) {
      std::vector<float> v(10);
      v[i % 10] = 1;
      rare.push_back(floats(v));
    }
    CHECK_FALSE(compare_random_output(rare, floats({1, 1, 1, 1, 1, 1, 1, 1, 1, 1})).empty());
  }

  TEST_CASE("tests are found at any depth and run") {
    const auto tests = find_conformance_tests(kCarried.parent_path());
    CHECK(tests.size() > 300);
    const auto one = find_conformance_tests(kCarried / "test_abs");
    REQUIRE(one.size() == 1);
    CHECK(one[0].name == "test_abs");
    const ConformanceResult r = run_conformance_test(one[0], reference());
    CHECK(r.outcome == ConformanceOutcome::passed);
    CHECK(r.op == "Abs");
    CHECK_THROWS_AS(find_conformance_tests(kCarried / "no-such-folder"), Error);
  }

  TEST_CASE("a wrong output and a test without outputs fail") {
    const fs::path work = fs::temp_directory_path() / "onnxopt_conformance_test";
    fs::remove_all(work);
    fs::create_directories(work / "deep/er");
    fs::copy(kCarried / "test_abs", work / "deep/er/test_abs", fs::copy_options::recursive);
    const fs::path data = work / "deep/er/test_abs/test_data_set_0";
    fs::copy_file(data / "input_0.pb", data / "output_0.pb", fs::copy_options::overwrite_existing);
    auto r = run_conformance_test(find_conformance_tests(work).at(0), reference());
    CHECK(r.outcome == ConformanceOutcome::failed);
    CHECK(r.why.starts_with("output 0: element "));
    fs::remove(data / "output_0.pb");
    r = run_conformance_test(find_conformance_tests(work).at(0), reference());
    CHECK(r.outcome == ConformanceOutcome::failed);
    CHECK(r.why == "the test has no stored output");
    fs::remove_all(work);
  }

  // tests/verify/disputed: a test as onnx 1.9.0 shipped it, with the wrong auto_pad in its model.
  TEST_CASE("a test that another release contradicts is known by its bytes") {
    const fs::path work = fs::temp_directory_path() / "onnxopt_disputed_test";
    fs::remove_all(work);
    fs::copy(fs::path(test::source_dir()) / "tests/verify/disputed", work, fs::copy_options::recursive);
    const ConformanceTest test = find_conformance_tests(work).at(0);
    ConformanceResult r = run_conformance_test(test, reference());
    CHECK(r.outcome == ConformanceOutcome::disputed);
    CHECK(r.why.starts_with("output 0: element 1: 1, expected 0; onnx 1.9.0: the model says SAME_LOWER"));
    fs::copy_file(kCarried / "test_abs/test_data_set_0/output_0.pb", test.folder / "test_data_set_0/output_0.pb",
                  fs::copy_options::overwrite_existing);
    r = run_conformance_test(test, reference());
    CHECK(r.outcome == ConformanceOutcome::failed);
    CHECK(find_disputed(find_conformance_tests(kCarried / "test_abs").at(0)) == nullptr);
    fs::remove_all(work);
  }

  TEST_CASE("reports count by operator and escape") {
    ConformanceSummary s;
    s.add({"a", "Abs", ConformanceOutcome::passed, "", 0, 1});
    s.add({"b", "Abs", ConformanceOutcome::failed, "got <1> & \"2\"", 1, 1});
    s.add({"c", "Gradient", ConformanceOutcome::refused, "no kernel", 0, 1});
    s.add({"d", "Abs", ConformanceOutcome::disputed, "they say 1, we say 2", 0, 1});
    const auto j = conformance_json(s, "reference");
    CHECK(j["passed"] == 1);
    CHECK(j["failed"] == 1);
    CHECK(j["refused"] == 1);
    CHECK(j["disputed"] == 1);
    CHECK(j["by_operator"]["Abs"]["failed"] == 1);
    const std::string xml = conformance_junit(s);
    CHECK(xml.find("got &lt;1&gt; &amp; &quot;2&quot;") != std::string::npos);
    CHECK(xml.find("<testsuite name=\"Abs\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\">") != std::string::npos);
    CHECK(conformance_text(s, true).find("passed 1, failed 1, refused 1, disputed 1 (another") != std::string::npos);
  }
}
