#include "passes/opset/type_findings.h"

#include <doctest/doctest.h>

#include <string>

#include "ir/ops/infer.h"
#include "ir/text/text.h"

using namespace onnxopt;

TEST_SUITE("type_findings_test") {
  std::string findings(const std::string& graph, int opset = 14) {
    auto m = parse_model("<ir_version: 8, opset_import: [\"\" : " + std::to_string(opset) + "]>\n" + graph);
    infer(*m);
    std::string r;
    for (const Finding& f : check_types(*m)) r += f.where + ": " + f.what + "\n";
    return r;
  }

  TEST_CASE("what agrees has no findings") {
    CHECK(findings("g (float[2] x, int64[2] i) => (float[2] y) <float[2] w = {1, 2}> { a = Add (x, w)  y = Gather (a, i) }") == "");
    CHECK(findings("g (float[2] x, bool c) => (float[2] y) { y = If (c) <then_branch = t () => (float[2] p) { p = Neg (x) }, "
                   "else_branch = e () => (float[2] q) { q = Abs (x) }> }") == "");
  }

  TEST_CASE("operands of two types where the operator has one type variable") {
    CHECK(findings("g (float[2] x) => (float[2] y) <int64[2] w = {1, 2}> { [n] y = Add (x, w) }") ==
          "g/'n' (Add): type: input 1 ('B') is tensor(int64), but Add-14 wants one type for all its T\n");
  }

  TEST_CASE("a type that the operator does not take, also in a branch") {
    CHECK(findings("g (uint8[2] x) => (uint8[2] y) { y = Neg (x) }") ==
          "g/'' (Neg): type: input 0 ('X') is tensor(uint8), which Neg-13 does not take\n");
    CHECK(findings("g (uint8[2] x, bool c) => (uint8[2] y) { y = If (c) <then_branch = t () => (uint8[2] p) { p = Neg (x) }, "
                   "else_branch = e () => (uint8[2] q) { q = Identity (x) }> }") ==
          "g/'' (If)/t/'' (Neg): type: input 0 ('X') is tensor(uint8), which Neg-13 does not take\n");
  }

  TEST_CASE("a declared type that is not what comes out") {
    CHECK(findings("g (float[2] x) => (int64[2] y) { y = Relu (x) }") ==
          "g/'' (Relu): 'y' is declared as tensor(int64), but what the node makes is tensor(float)\n");
    CHECK(findings("g (float[2] x) => (float[3] y) { y = Relu (x) }") == "");  // a wrong shape is a warning in runtimes
  }

  TEST_CASE("an input whose initializer is of another type") {
    CHECK(findings("g (float[2] x, float[2] w) => (float[2] y) <int64[2] w = {1, 2}> { y = Relu (x) }") ==
          "g: 'w' is declared as tensor(float), but its initializer is tensor(int64)\n");
  }

  TEST_CASE("Constant nodes of types that their version does not list, or that are declared otherwise, are read by runtimes") {
    CHECK(findings("g (float[2] x) => (float[2] y) { y = Constant <value = int32[2] {1, 2}> () }") == "");
    CHECK(findings("g (float[2] x) => (int64[2] y) { y = Constant <value = int64[2] {1, 2}> () }", 7) == "");
  }

  TEST_CASE("LayerNormalization of ONNX Runtime, before opset 17, gives the scale's type") {
    CHECK(findings("g (float16[2,4] x) => (float[2,4] y) <float[4] s = {1, 2, 3, 4}> { y = LayerNormalization (x, s) }", 12) == "");
  }
}
