#include <doctest/doctest.h>

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

}  // namespace

TEST_SUITE("operand_values_test") {
  TEST_CASE("shapes, axes, parts and lengths are such that the operator runs") {
    for (const char* text :
         {"g (float[2, 3, 4] x, int64[2] s) => (float[6, 4] y) { y = Reshape(x, s) }",
          "g (float[2, 3, 4] x, int64[3] s) => (float[a, b, c] y) { y = Reshape(x, s) }",
          "g (float[3, 1] x, int64[3] s) => (float[2, 3, 6] y) { y = Expand(x, s) }",
          "g (float[3, 1] x, int64[3] s) => (float[a, b, c] y) { y = Expand(x, s) }",
          "g (float[3] x, int64[3] s) => (float[1, 1, 1, 3] y) { y = Unsqueeze(x, s) }",
          "g (float[1, 3, 1] x, int64[2] s) => (float[3] y) { y = Squeeze(x, s) }",
          "g (float[5, 3] x, int64[2] s) => (float[2, 3] y, float[3, 3] z) { y, z = Split(x, s) }",
          "g (float[5, 3] x, int64[2] s) => (seq(float[a, 3]) y) { y = SplitToSequence(x, s) }",
          "g (float[5, 30] x, int64[1] k) => (float[5, 7] y, int64[5, 7] i) { y, i = TopK(x, k) }",
          "g (float[5, 3] x, int64[2] s) => (float[10, 3] y) { y = Tile(x, s) }",
          "g (float[5, 3, 4] x, int64[2] s, int64[2] e, int64[2] a, int64[2] t) => (float[2, 3, 4] y) { y = Slice(x, s, e, a, t) }",
          "g (float[5, 3, 4] x, int32[2] s) => (float[4] y) { l = Cast<to = 7>(s)\n y = ReduceSum<keepdims = 0>(x, l) }",
          "g (float[4, 3] x, int64[3] n) => (float[4, 3] y) { y = ReverseSequence(x, n) }",
          "g (float[2, 2, 3] x, int64[4] s) => (float[2, 4, 5, 2] y) { y = AffineGrid(x, s) }"}) {
      INFO(text);
      const VerifyReport r = compare(text, text);
      CHECK(r.verdict == Verdict::verified);
      CHECK(r.reason == "");
    }
  }
}
