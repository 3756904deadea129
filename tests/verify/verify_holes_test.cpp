// Models that differ where the likeliest inputs do not show it: none of them may be called verified.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "ir/text/text.h"
#include "passes/opset/opset.h"
#include "verify/compare/rounding_noise.h"
#include "verify/compare/tolerance.h"
#include "verify/compare/verify_models.h"
#include "verify/exec/deadline.h"

using namespace onnxopt;

namespace {

VerifyReport compare(std::string_view a, std::string_view b, double budget_s = 60) {
  const auto x = parse_model(a), y = parse_model(b);
  lift(*x);
  lift(*y);
  VerifyOptions o;
  o.budget_s = budget_s;
  return verify_models(*x, *y, o);
}
struct Pair {
  const char *name, *a, *b;
};

constexpr const char* kRelu = "g (float[N, 8] x) => (float[N, 8] y) { y = Relu(x) }";
constexpr Pair kPairs[] = {
    {"a bound above 1", kRelu,
     "g (float[N, 8] x) => (float[N, 8] y) { a = Constant<value_float=0.0>() b = Constant<value_float=6.0>() y = Clip(x, a, b) }"},
    {"a bound within 8 bits of an image", "g (float[N, 3, 8, 8] x) => (float[N, 3, 8, 8] y) { y = Relu(x) }",
     "g (float[N, 3, 8, 8] x) => (float[N, 3, 8, 8] y) { a = Constant<value_float=0.0>() b = Constant<value_float=100.0>() y = Clip(x, a, b) }"},
    {"a shape for a batch of 1", kRelu, "g (float[N, 8] x) => (float[N, 8] y) { s = Constant<value_ints=[1, 8]>() r = Relu(x) y = Reshape(r, s) }"},
    {"a sum over the batch", "g (float[N, 8] x) => (float[N, 8] y) { y = Identity(x) }",
     "g (float[N, 8] x) => (float[M, 8] y) { a = Constant<value_ints=[0]>() y = ReduceSum(x, a) }"},
    {"negative integers", "g (int64[N, 4] x) => (int64[N, 4] y) { y = Abs(x) }", "g (int64[N, 4] x) => (int64[N, 4] y) { y = Identity(x) }"},
    {"the sign of a remainder", "g (int64[8] x) => (int64[8] y) { c = Constant<value_int=5>() y = Mod(x, c) }",
     "g (int64[8] x) => (int64[8] y) { c = Constant<value_int=5>() y = Mod<fmod=1>(x, c) }"},
    {"indices from the end", "g (int64[4] x, float[10, 3] t) => (float[4, 3] y) { y = Gather(t, x) }",
     "g (int64[4] x, float[10, 3] t) => (float[4, 3] y) { z = Constant<value_int=0>() c = Max(x, z) y = Gather(t, c) }"},
    {"an input that lost its free batch", kRelu, "g (float[1, 8] x) => (float[1, 8] y) { y = Relu(x) }"},
    {"an input that is gone", "g (float[N, 8] x, float[2] u) => (float[N, 8] y) { y = Relu(x) }", kRelu},
    {"an input of another type", kRelu, "g (double[N, 8] x) => (float[N, 8] y) { r = Relu(x) y = Cast<to=1>(r) }"},
};

}  // namespace

TEST_SUITE("verify_holes_test") {
  TEST_CASE("what only unlikely inputs show") {
    for (const Pair& p : kPairs) {
      CAPTURE(p.name);
      CHECK(compare(p.a, p.a).verdict == Verdict::verified);
      CHECK(compare(p.a, p.b).verdict == Verdict::differs);
    }
  }
  TEST_CASE("other sizes are named, and an output that is constant at each of them stays untrusted") {
    const VerifyReport r = compare(kRelu, kRelu);
    CHECK(r.inputs_text == "N=1; N=2");
    const char* ones = "g (float[N, 8] x) => (float[N, 8] y) { d = Sub(x, x) y = Exp(d) }";
    const VerifyReport constant = compare(ones, ones);
    CHECK(constant.verdict == Verdict::verified);
    CHECK(constant.outputs[0].vacuous);
  }
  TEST_CASE("a loop without end and without a body keeps to the time budget") {
    const char* endless = R"(
g (float[1] x) => (float[1] y)
{
  c = Constant<value = bool[1] {1}>()
  y = Loop<body = b (int64 i, bool ci, float[1] s) => (bool ci, float[1] s) { }>(, c, x)
})";
    const VerifyReport r = compare(endless, endless, 0.3);
    CHECK(r.verdict == Verdict::not_verified);
    CHECK(r.reason.find("time budget") != std::string::npos);
    CHECK(r.ms < 20000);
  }
  TEST_CASE("one long kernel keeps to the time budget") {
    const char* large = "g (float[6000, 6000] x) => (float[6000, 6000] y) { y = MatMul(x, x) }";
    const VerifyReport r = compare(large, large, 0.5);
    CHECK(r.verdict == Verdict::not_verified);
    CHECK(r.reason.find("time budget") != std::string::npos);
  }

  TEST_CASE("a comparison looks at the clock") {
    const auto filled = [](float value) {
      std::vector<float> x(std::size_t{6} << 20, 0.5f);
      x.back() = value;
      return RtValue(Tensor::of<float>({static_cast<std::int64_t>(x.size())}, x));
    };
    const RtValue a = filled(1), b = filled(2);
    CHECK_FALSE(compare_values("y", a, b, Tolerance::rounding).equal);
    const Deadline past(std::chrono::steady_clock::now() - std::chrono::seconds(1));
    CHECK_THROWS_AS(compare_values("y", a, b, Tolerance::rounding), Error);
  }
  TEST_CASE("weights that were moved come back, also where time runs out") {
    const auto m = parse_model(R"(
g (float[2] x) => (float[2] y)
<float[64] a = ["location": "@uniform", "seed": "1"], float[6000000] b = ["location": "@uniform", "seed": "2"]>
{ y = Relu (x) })");
    std::vector<Tensor> before;
    for (const Value* v : m->graph().constants()) before.push_back(*v->constant());
    const auto same = [&] {
      std::size_t i = 0, equal = 0;
      for (const Value* v : m->graph().constants()) equal += v->constant()->same_content(before[i++]);
      return equal;
    };
    REQUIRE(before.size() == 2);
    {
      const MovedWeights moved(*m, 1);
      CHECK(same() == 0);
    }
    CHECK(same() == 2);
    const Deadline past(std::chrono::steady_clock::now() - std::chrono::seconds(1));
    CHECK_THROWS_AS(MovedWeights(*m, 1), Error);
    CHECK(same() == 2);
  }
  TEST_CASE("scores beside boxes in pixels are judged on their own") {
    constexpr const char* kHead = R"(
g (float[8, 64] x) => (float[8, 36] y)
<float[64, 4] V = ["location": "@uniform", "seed": "1"], float[64, 32] W = ["location": "@uniform", "seed": "2"], float size = {{640.0}}>
{{
  v = MatMul(x, V)
  boxes = Mul(v, size)
  {}
  p = Sigmoid(m)
  s = Constant<value_float = {}>()
  scores = Mul(p, s)
  y = Concat<axis = 1>(boxes, scores)
}})";
    constexpr const char* kWhole = "m = MatMul(x, W)";
    constexpr const char* kHalves =
        "a, b = Split<axis = 1, num_outputs = 2>(x)  U, T = Split<axis = 0, num_outputs = 2>(W)  f = MatMul(a, U)  g = MatMul(b, T)  m = Add(f, g)";
    const std::string original = fmt::format(kHead, kWhole, "1.0");
    CHECK(compare(original, fmt::format(kHead, kHalves, "1.0")).verdict == Verdict::verified);
    const VerifyReport r = compare(original, fmt::format(kHead, kWhole, "1.0001"));
    CHECK(r.verdict == Verdict::differs);
    CHECK(r.reason.find("of 36 slices along axis 1") != std::string::npos);
  }
  TEST_CASE("a mask of infinities does not hide how far the original's own rounding reaches") {
    const auto with = [](const std::string& body) {
      return "<ir_version: 10, opset_import: [\"\": 21]>\ng (float[N, 4] x) => (float[N, 4] y) <float k = {1000.0}, float[4] mask = {0.0, -inf, 0.0, "
             "-inf}> { " +
             body + " m = Add(b, mask) y = Exp(m) }";
    };
    const VerifyReport r = compare(with("a = Add(x, k) b = Sub(a, k)"), with("b = Identity(x)"));
    CHECK(r.outputs.at(0).max_rel > 1e-5);
    CHECK(r.verdict == Verdict::verified);
    CHECK(compare(with("a = Add(x, k) b = Sub(a, k)"), with("h = Constant<value_float=1.001>() b = Mul(x, h)")).verdict == Verdict::differs);
  }
}
