#include <doctest/doctest.h>

#include <algorithm>

#include "ir/text/text.h"
#include "passes/opset/opset.h"
#include "verify/compare/verify_models.h"

using namespace onnxopt;

namespace {

VerifyReport compare(std::string_view a, std::string_view b) {
  const auto x = parse_model(a), y = parse_model(b);
  lift(*x);
  lift(*y);
  return verify_models(*x, *y, VerifyOptions());
}
bool mentions(const std::vector<std::string>& lines, std::string_view word) {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& l) { return l.find(word) != std::string::npos; });
}

}  // namespace

TEST_SUITE("overflow_test") {
  TEST_CASE("an operator that does not overflow where the original does is no difference") {
    const char* spelled =
        "g (float[2, 3, 40] x) => (float[2, 3, 40] y) {\n one = Constant<value_float = 1.0>()\n e = Exp(x)\n a = Add(e, one)\n y = Log(a)\n}";
    const VerifyReport r = compare(spelled, "g (float[2, 3, 40] x) => (float[2, 3, 40] y) { y = Softplus(x) }");
    CHECK(r.verdict == Verdict::verified);
    CHECK(mentions(r.warnings, "overflowed"));
    CHECK(compare(spelled, "g (float[2, 3, 40] x) => (float[2, 3, 40] y) { y = Relu(x) }").verdict == Verdict::differs);
    CHECK(compare("g (float[2, 3, 40] x) => (float[2, 3, 40] y) { y = Softplus(x) }", spelled).verdict == Verdict::differs);
    // The infinity is a constant's or a pole's: it is the answer.
    const char* masked = "g (float[4] x) => (float[4] y) <float[4] m = {0.0, 0.0, 0.0, -inf}> { y = Add(x, m) }";
    CHECK(compare(masked, "g (float[4] x) => (float[4] y) <float[4] m = {0.0, 0.0, 0.0, -1.0}> { y = Add(x, m) }").verdict == Verdict::differs);
    const char* pole = "g (float[4] x) => (float[4] y) { z = Sub(x, x)\n y = Log(z) }";
    CHECK(compare(pole, "g (float[4] x) => (float[4] y) { z = Sub(x, x)\n y = Identity(z) }").verdict == Verdict::differs);
  }
  TEST_CASE("an exact cast rounds nothing: an exponent of 3 stays 3") {
    const char* cubed = "g (float[64] x) => (float[64] y) { c = Constant<value = int64 {3}>()\n t = Cast<to = 1>(c)\n p = Pow(x, t)\n y = Tanh(p) }";
    const char* times = "g (float[64] x) => (float[64] y) { s = Mul(x, x)\n p = Mul(s, x)\n y = Tanh(p) }";
    CHECK(compare(cubed, times).verdict == Verdict::verified);
  }
}
