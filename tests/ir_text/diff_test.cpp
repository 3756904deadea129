#include <doctest/doctest.h>

#include "ir/text/text.h"

namespace onnxopt {
namespace {

std::string differ(std::string_view a, std::string_view b) {
  std::string r;
  for (const DiffEntry& e : diff(*parse_model(a), *parse_model(b))) r += std::string(1, e.kind) + " " + e.what + "\n";
  return r;
}

TEST_SUITE("diff_test") {
  TEST_CASE("equal models have no differences, whatever the order and the inner names") {
    CHECK(differ("g (float x) => (float y) { a = Relu (x) b = Neg (x) y = Add (a, b) }",
                 "g (float x) => (float y) { q = Neg (x) p = Relu (x) y = Add (p, q) }") == "");
  }
  TEST_CASE("a removed node is one line; what follows it says only where its input changed") {
    CHECK(differ("g (float x) => (float y) { a = Relu (x) b = Identity (a) c = Exp (b) y = Neg (c) }",
                 "g (float x) => (float y) { a = Relu (x) c = Exp (a) y = Neg (c) }") ==
          "- Identity-25 -> 'b'\n~ Exp-13 -> 'c': input 0: 'b' of Identity became 'a' of Relu\n");
  }
  TEST_CASE("attributes and constants") {
    CHECK(differ("g (float[2] x) => (float[2] y) <float[2] k = {1,2}> { a = Mul (x, k) y = Elu <alpha = 0.5> (a) }",
                 "g (float[2] x) => (float[2] y) <float[2] k = {1,3}> { a = Mul (x, k) y = Elu <alpha = 2.0> (a) }") ==
          "~ Elu-22 -> 'y': attribute 'alpha' is 0.5 and 2.0\n~ constant 'k' float[2]: element 1 is {2} and {3}\n");
  }
  TEST_CASE("a fusion: nodes and constants that went and came") {
    CHECK(differ("g (float[2] x) => (float[2] y) <float[2] k = {1,2}> { a = Sigmoid (x) b = Mul (x, a) y = Add (b, k) }",
                 "g (float[2] x) => (float[2] y) <float[2] k = {1,2}> { b = Swish (x) y = Add (b, k) }") ==
          "- Sigmoid-13 -> 'a'\n- Mul-14 -> 'b'\n~ Add-14 -> 'y': input 0: 'b' of Mul became 'b' of Swish\n+ Swish-24 -> 'b'\n");
  }
  TEST_CASE("inside subgraphs") {
    const auto model = [](const std::string& op) {
      return "g (bool c, float x) => (float y) { y = If (c) <then_branch = t () => (float u) { u = " + op +
             " (x) }, else_branch = e () => (float w) { w = Neg (x) }> }";
    };
    const std::string d = differ(model("Exp"), model("Log"));
    CHECK(d == "- in If-25 -> 'y': Exp-13 -> 'u'\n+ in If-25 -> 'y': Log-13 -> 'u'\n");
  }
  TEST_CASE("weights among the inputs are constants below IR version 4, inputs that may be fed from then on") {
    const auto model = [](int ir, const std::string& listed) {
      return "<ir_version: " + std::to_string(ir) + ", opset_import: [\"\" : 7]> g (float[2] x" + listed + ") => (float[2] y) ";
    };
    const std::string sum = "{ a = Mul (x, v) y = Add (a, w) }", v = ", float[2] v = {1, 2}", w = ", float[2] w = {3, 4}";
    const std::string less = "{ y = Add (x, w) }", gone = "- Mul-7 -> 'a'\n~ Add-7 -> 'y': input 0: 'a' of Mul became input 'x'\n";
    CHECK(differ(model(3, v + w) + sum, model(3, w) + less) == gone + "- constant 'v' float[2]\n");
    CHECK(differ(model(4, v + w) + sum, model(4, w) + less) == "- input 'v' with a default value\n" + gone + "- constant 'v' float[2]\n");
    CHECK(differ(model(4, w) + less, model(4, v + w) + sum).starts_with("+ input 'v' with a default value\n"));
    CHECK(differ(model(3, v + w) + sum, model(3, w + v) + sum) == "~ the inputs stand in another order\n");
  }
  TEST_CASE("signature and functions") {
    CHECK(differ("g (float x) => (float y) { y = Relu (x) }", "g (float[N] x, float z) => (float y) { y = Relu (x) }") ==
          "~ input 'x': float became float[N]\n+ input 'z'\n");
    CHECK(differ("g (float x, bool m, float z) => (float y) { y = Add (x, z) }", "g (float x, float z) => (float y) { y = Add (x, z) }") ==
          "- input 'm'\n");
    CHECK(differ("g (float x) => (float y) { y = Relu (x) }", "g (float z) => (float y) { y = Relu (z) }").starts_with("~ input 'x' became 'z'\n"));
    CHECK(differ("g (float x, float z) => (float y) { y = Sub (x, z) }", "g (float z, float x) => (float y) { y = Sub (x, z) }") ==
          "~ the inputs stand in another order\n");
    CHECK(differ("<ir_version: 10> g (float x) => (float y) { y = Relu (x) } <domain: \"l\"> F (a) => (b) { b = Relu (a) }",
                 "<ir_version: 10> g (float x) => (float y) { y = Relu (x) }") == "- function l.F\n");
  }
}

}  // namespace
}  // namespace onnxopt
