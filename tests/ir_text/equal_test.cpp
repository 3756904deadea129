#include <doctest/doctest.h>

#include "ir/ops/op_table.h"
#include "ir/text/text.h"

namespace onnxopt {
namespace {

std::string differ(std::string_view a, std::string_view b, const EqualOptions& options = {}) {
  return difference(*parse_model(a, {.placeholders = true}), *parse_model(b, {.placeholders = true}), options);
}
bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

TEST_SUITE("equal_test") {
  TEST_CASE("order of independent nodes and inner names do not matter") {
    const char* a = "g (float[2] x) => (float[2] y) { p = Relu (x) q = Neg (x) y = Sub (p, q) }";
    const char* b = "g (float[2] x) => (float[2] y) { n = Neg (x) r = Relu (x) y = Sub (r, n) }";
    CHECK(differ(a, b) == "");
    CHECK(contains(differ(a, b, {.inner_names = true}), "'p' is named 'r'"));
    CHECK(differ(a, "g (float[2] x) => (float[2] y) { p = Relu (x) q = Neg (x) y = Sub (q, p) }") != "");
  }

  TEST_CASE("public names, types, opsets") {
    const char* a = "g (float[2] x) => (float[2] y) { y = Relu (x) }";
    CHECK(contains(differ(a, "g (float[2] z) => (float[2] y) { y = Relu (z) }"), "input 0 is 'x' and 'z'"));
    CHECK(contains(differ(a, "g (float[N] x) => (float[2] y) { y = Relu (x) }"), "type of input 'x' is float[2] and float[N]"));
    CHECK(contains(differ(a, "g (float[2] x) => (float16[2] y) { y = Relu (x) }"), "type of output 'y'"));
    CHECK(contains(differ(a, R"(<opset_import: ["" : 13]> g (float[2] x) => (float[2] y) { y = Relu (x) })"),
                   "opset imports are ai.onnx 28 and ai.onnx 13"));
    CHECK(contains(differ(a, R"(<opset_import: ["" : 13]> g (float[2] x) => (float[2] y) { y = Relu (x) })"), "Relu-14 -> 'y' and Relu-13 -> 'y'"));
  }

  TEST_CASE("attributes: schema defaults are normalised, order does not matter, the rest does") {
    const char* plain = "g (float[2,3] x, float[3,2] w) => (float[2,2] y) { y = Gemm (x, w) }";
    CHECK(differ(plain, "g (float[2,3] x, float[3,2] w) => (float[2,2] y) { y = Gemm <beta = 1.0, alpha = 1.0, transA = 0> (x, w) }") == "");
    CHECK(contains(differ(plain, "g (float[2,3] x, float[3,2] w) => (float[2,2] y) { y = Gemm <alpha = 1.0> (x, w) }", {.normalize_defaults = false}),
                   "'alpha' is absent and 1.0"));
    CHECK(contains(differ(plain, "g (float[2,3] x, float[3,2] w) => (float[2,2] y) { y = Gemm <alpha = 2.0> (x, w) }"),
                   "attribute 'alpha' is 1.0 and 2.0"));
    CHECK(contains(differ("g (float x) => (float y) { y = my.Op <a = 1> (x) }", "g (float x) => (float y) { y = my.Op (x) }"),
                   "attribute 'a' is 1 and absent"));
    CHECK(
        contains(differ("g (float x) => (float y) { y = my.Op <a = 1> (x) }", "g (float x) => (float y) { y = my.Op <a = 1.0> (x) }"), "1 and 1.0"));
  }

  TEST_CASE("constants compare bit for bit; @any and @elided stand for data") {
    const auto graph = [](const std::string& w) { return "g (float[2] x) => (float[2] y) <float[2] w = " + w + "> { y = Add (x, w) }"; };
    CHECK(differ(graph("{1, 2}"), graph("{1, 2}")) == "");
    CHECK(contains(differ(graph("{1, 2}"), graph("{1, 3}")), "constant 'w': element 1 is {2} and {3}"));
    CHECK(contains(differ(graph("{0, 2}"), graph("{-0, 2}")), "element 0 is {0} and {-0}"));
    CHECK(differ(graph("{nan, 2}"), graph("{nan, 2}")) == "");
    CHECK(differ(graph("{1, 2}"), graph(R"(["location": "@any"])")) == "");
    CHECK(differ(graph("{1, 2}"), graph(R"(["location": "@any"])"), {.any_constants = false}) != "");
    const auto m = parse_model(graph("{1, 2}"));
    const std::string elided = print_model(*m, {.elide_above = 0});
    CHECK(contains(elided, "@elided"));
    CHECK(differ(graph("{1, 2}"), elided) == "");
    CHECK(differ(graph("{1, 3}"), elided) != "");
    CHECK(contains(differ(graph("{1, 2}"), "g (float[2] x) => (float[2] y) <double[2] w = {1,2}> { y = Add (x, w) }"), "float[2] and double[2]"));
    CHECK(contains(differ(graph("{1, 2}"), "g (float[2] x, float[2] w) => (float[2] y) { y = Add (x, w) }"), "1 and 2 inputs"));
  }

  TEST_CASE("sharing is part of the graph") {
    const char* one = "g (float[2] x) => (float[2] y) { a = Relu (x) y = Add (a, a) }";
    const char* two = "g (float[2] x) => (float[2] y) { a = Relu (x) b = Relu (x) y = Add (a, b) }";
    CHECK(contains(differ(one, two), "'a' is one value in the first and two in the second"));
    CHECK(contains(differ(two, one), "are two values in the first and one in the second"));
    const char* shared = "g (float[1] x) => (float[1] y) <float[1] k = {1}> { a = Add (x, k) y = Mul (a, k) }";
    const char* copied = "g (float[1] x) => (float[1] y) <float[1] k = {1}, float[1] l = {1}> { a = Add (x, k) y = Mul (a, l) }";
    CHECK(differ(shared, copied) != "");
  }

  TEST_CASE("dead nodes and unused constants count") {
    const char* a = "g (float x) => (float y) { y = Relu (x) d = Neg (x) e = Exp (d) f = Neg (x) }";
    CHECK(differ(a, "g (float x) => (float y) { f = Neg (x) y = Relu (x) d = Neg (x) e = Exp (d) }") == "");
    CHECK(contains(differ(a, "g (float x) => (float y) { y = Relu (x) d = Neg (x) e = Exp (d) }"), "only in the first: Neg-13 -> 'f'"));
    CHECK(contains(differ("g (float x) => (float y) { y = Relu (x) }", a), "only in the second: Exp-13"));
    CHECK(contains(differ("g (float x) => (float y) <float k = {1}> { y = Relu (x) }", "g (float x) => (float y) { y = Relu (x) }"),
                   "only in the first: constant 'k'"));
    CHECK(differ("g (float x) => (float y) <float k = {1}, float l = {2}> { y = Relu (x) }",
                 "g (float x) => (float y) <float a = {2}, float b = {1}> { y = Relu (x) }") == "");
  }

  TEST_CASE("subgraphs, captured values and omitted inputs") {
    const auto graph = [](const std::string& body, const std::string& captured = "t") {
      return "g (bool c, float[2] x) => (float[2] y) { t = Relu (x) u = Neg (x) v = Add (t, u) y = If (c) <then_branch = a () => (float[2] p) { p "
             "= " +
             body + " (" + captured + ") }, else_branch = b () => (float[2] q) { q = Identity (v) }> }";
    };
    CHECK(differ(graph("Exp"), graph("Exp")) == "");
    CHECK(contains(differ(graph("Exp"), graph("Log")), "Exp-13 -> 'p' and Log-13 -> 'p'"));
    CHECK(differ(graph("Exp"), graph("Exp", "u")) != "");
    CHECK(differ("g (float x, float h) => (float y) { y = Clip (x, \"\", h) }", "g (float x, float h) => (float y) { y = Clip (x, h) }") != "");
    CHECK(differ("g (float x, float h) => (float y) { y = Clip (x, h, \"\") }", "g (float x, float h) => (float y) { y = Clip (x, h) }") == "");
  }

  TEST_CASE("Constant nodes equal initializers only if asked") {
    const char* node = "g (float[2] x) => (float[2] y) { k = Constant <value_floats = [1.0, 2.0]> () y = Add (x, k) }";
    const char* init = "g (float[2] x) => (float[2] y) <float[2] k = {1, 2}> { y = Add (x, k) }";
    CHECK(differ(node, init) != "");
    CHECK(differ(node, init, {.constant_nodes = true}) == "");
    CHECK(differ(init, node, {.constant_nodes = true}) == "");
    CHECK(differ(node, "g (float[2] x) => (float[2] y) <float[2] k = {1, 3}> { y = Add (x, k) }", {.constant_nodes = true}) != "");
  }

  TEST_CASE("functions match by name") {
    const auto model = [](const std::string& body) {
      return "g (float x) => (float y) { y = l.F (x) } <domain: \"l\"> F (a) => (b) { b = " + body +
             " (a) } <domain: \"l\"> H (a) => (b) { b = Relu (a) }";
    };
    CHECK(differ(model("Relu"), model("Relu")) == "");
    CHECK(contains(differ(model("Relu"), model("Neg")), "Relu-14 -> 'b' and Neg-13 -> 'b'"));
    CHECK(contains(differ(model("Relu"), "g (float x) => (float y) { y = l.F (x) } <domain: \"l\"> F (a) => (b) { b = Relu (a) }"),
                   "only in the first: function l.H"));
  }

  TEST_CASE("metadata counts if asked") {
    const char* a = "g (float x) => (float y) { y = Relu (x) \n #@ doc_string \"a\"\n }";
    const char* b = "g (float x) => (float y) { y = Relu (x) }";
    CHECK(differ(a, b) == "");
    CHECK(contains(differ(a, b, {.metadata = true}), "doc string differs"));
  }

  TEST_CASE("large graphs, with nodes that nobody reads") {
    const auto chain = [](std::size_t n) {
      auto m = parse_model("g (float[N] x) => (float[N] y) { y = Relu (x) }");
      Graph& g = m->graph();
      Value* v = g.inputs()[0];
      for (std::size_t i = 0; i < n; ++i) v = g.insert_before(*g.last(), i % 3 ? op("Neg") : op("Relu"), {v}).output();
      g.set_input(*g.last(), 0, v);
      for (std::size_t i = 0; i < n / 2; ++i) g.append(op("Exp"), {v});  // dead
      return m;
    };
    const auto a = chain(50000), b = chain(50000);
    CHECK(difference(*a, *b) == "");
    CHECK(difference(*parse_model(print_model(*a)), *b) == "");
  }
}

}  // namespace
}  // namespace onnxopt
