#include "cli/commands/reduce.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "cli/commands/cli.h"
#include "ir/core/check.h"
#include "ir/core/error.h"
#include "ir/ops/infer.h"
#include "ir/text/text.h"

using namespace onnxopt;

namespace {

std::unique_ptr<Model> chain() {
  auto m = parse_model(R"(
g (float[4] x) => (float[4] y, float[4] z)
<float[4] k = {1, 2, 3, 4}>
{
  a = Neg(x)
  b = Add(a, k)
  c = Abs(b)
  y = Relu(c)
  z = Neg(b)
})");
  infer(*m);
  return m;
}

}  // namespace

TEST_SUITE("reduce_test") {
  TEST_CASE("a region gets what it reads as inputs, and gives what others read of it") {
    auto m = chain();
    REQUIRE(keep_nodes(*m, {1, 2}));
    CHECK(check(*m).empty());
    CHECK(difference(*m, *parse_model("g (float[4] a) => (float[4] b, float[4] c) <float[4] k = {1, 2, 3, 4}> { b = Add(a, k)\n c = Abs(b) }")) ==
          "");
  }
  TEST_CASE("a value captured by a branch that stays is an input") {
    auto m = parse_model(R"(
g (float[4] x, bool p) => (float[4] y)
{
  a = Neg(x)
  y = If(p) <then_branch = t () => (float[4] u) { u = Abs(a) }, else_branch = e () => (float[4] v) { v = Neg(a) }>
})");
    infer(*m);
    REQUIRE(keep_nodes(*m, {1}));
    CHECK(check(*m).empty());
    CHECK(m->graph().node_count() == 1);
    CHECK(m->graph().inputs().size() == 2);
  }
  TEST_CASE("fewer outputs need fewer nodes") {
    auto m = chain();
    keep_outputs(*m, {1});
    CHECK(check(*m).empty());
    CHECK(m->graph().node_count() == 3);
  }
  TEST_CASE("constants become inputs") {
    auto m = chain();
    constants_to_inputs(*m, {0});
    CHECK(check(*m).empty());
    CHECK(m->graph().constants().empty());
    CHECK(m->graph().inputs().size() == 2);
  }
  TEST_CASE("the smallest failing set is found with few tests") {
    int tests = 0;
    const auto set = smallest_failing(1000, [&](const std::vector<std::size_t>& part) {
      ++tests;
      return std::find(part.begin(), part.end(), 17) != part.end() && std::find(part.begin(), part.end(), 803) != part.end();
    });
    CHECK(set == std::vector<std::size_t>{17, 803});
    CHECK(tests < 200);
  }
  TEST_CASE("every kind of failure has its exit code") {
    CHECK(guarded([] { return 0; }) == 0);
    CHECK(guarded([]() -> int { throw Error(ExitCode::gate_failed, "a gate"); }) == 1);
    CHECK(guarded([]() -> int { throw Error(ExitCode::usage, "usage"); }) == 2);
    CHECK(guarded([]() -> int { bad_input("bad"); }) == 3);
    CHECK(guarded([]() -> int { throw std::bad_alloc(); }) == 3);
    CHECK(guarded([]() -> int { throw InternalError("a bug"); }) == 4);
    CHECK(guarded([]() -> int { throw std::out_of_range("a bug"); }) == 4);
  }
}
