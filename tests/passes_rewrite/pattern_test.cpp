#include "passes/rewrite/pattern.h"

#include "tests/passes_rewrite/rewriting.h"

namespace onnxopt {
using testing::Rewriting;
using testing::to_relu;

TEST_SUITE("pattern_test") {
  TEST_CASE("a pattern is parsed into names, nodes and depth") {
    PatternNames names;
    const auto all = parse_patterns("r", R"(
      # a comment
      c = Conv <group = 1, pads = @p> (x, W, b?)
      y = Add|Sub (c, 1.5~)
      or
      y = Relu (x)   # an alternative
    )",
                                    names);
    REQUIRE(all.size() == 2);
    CHECK(names.values == std::vector<std::string>{"c", "x", "W", "b", "y"});
    CHECK(names.captures == std::vector<std::string>{"p"});
    CHECK(all[0].depth == 2);
    CHECK(all[1].depth == 1);
    CHECK(all[0].root().ops.size() == 2);
    CHECK(all[0].nodes[0].inputs[2].optional);
    CHECK(all[0].nodes[1].inputs[1].approximate);
    CHECK(all[0].nodes[1].inputs[1].number == 1.5);
  }

  TEST_CASE("a wrong pattern is a bug that says where") {
    const auto fails = [](std::string_view text, std::string_view why) {
      PatternNames names;
      try {
        parse_patterns("r", text, names);
      } catch (const InternalError& e) {
        INFO(e.what());
        return std::string(e.what()).find(why) != std::string::npos;
      }
      return false;
    };
    CHECK(fails("y = Conf (x)", "no operator Conf"));
    CHECK(fails("y = Relu (x", "')' was expected"));
    CHECK(fails("y = Relu <alpha = 1> (x)", "Relu has no attribute alpha"));
    CHECK(fails("a = Relu (x) y = Relu (x)", "the root does not depend on node 1"));
    CHECK(fails("y = Relu (a) a = Relu (y)", "used before it is made"));
    CHECK(fails("a = Relu (x) a = Relu (a)", "two nodes produce a"));
    CHECK(fails("", "empty"));
    CHECK_THROWS_AS(CompiledRule(to_relu("y = Abs (x)", {is_constant("W")})), InternalError);
  }

  TEST_CASE("operands of commutative operators match in both orders, others in one") {
    for (const char* text : {"g (float[2] x) => (float[2] y) <float c = {0.5}> { a = Exp (x) y = Mul (a, c) }",
                             "g (float[2] x) => (float[2] y) <float c = {0.5}> { a = Exp (x) y = Mul (c, a) }"}) {
      Rewriting r(text);
      CHECK(r.run({to_relu("a = Exp (x) y = Mul (a, 0.5)")}));
      CHECK(r.ops() == "Relu");
    }
    Rewriting r("g (float[2] x) => (float[2] y) <float c = {0.5}> { a = Exp (x) y = Sub (c, a) }");
    CHECK_FALSE(r.run({to_relu("a = Exp (x) y = Sub (a, 0.5)")}));
  }

  TEST_CASE("operand orders are tried together, conditions included") {
    // Only with both Muls swapped is W constant and x the same value.
    Rewriting r("g (float[2] x) => (float[2] y) <float[2] W = {1, 2}> { a = Mul (W, x) b = Mul (x, a) y = Add (b, x) }");
    CHECK(r.run({to_relu("a = Mul (x, W) b = Mul (a, x) y = Add (x, b)", {is_constant("W")})}));
    CHECK(r.ops() == "Relu");
  }

  TEST_CASE("alternatives bind the same names") {
    for (const char* op : {"Abs", "Neg", "Exp"}) {
      Rewriting r(std::string("g (float[2] x) => (float[2] y) { y = ") + op + " (x) }");
      CHECK(r.run({to_relu("y = Abs|Neg (x)\n or \n y = Exp (x)")}));
      CHECK(r.ops() == "Relu");
    }
  }

  TEST_CASE("optional inputs and further inputs") {
    const auto matches = [](const char* call, const char* pattern) {
      Rewriting r(std::string("g (float[2] x) => (float[2] y) <float lo = {0}, float hi = {1}> { y = ") + call + " }");
      return r.run({to_relu(pattern)});
    };
    CHECK(matches("Clip (x, lo, hi)", "y = Clip (x, lo?, hi?)"));
    CHECK(matches("Clip (x, \"\", hi)", "y = Clip (x, lo?, hi?)"));
    CHECK(matches("Clip (x)", "y = Clip (x, lo?, hi?)"));
    CHECK_FALSE(matches("Clip (x, lo)", "y = Clip (x)"));
    CHECK(matches("Clip (x, lo)", "y = Clip (x, ...)"));
    CHECK(matches("Clip (x, lo, hi)", "y = Clip (x, _, 1.0)"));
    CHECK_FALSE(matches("Clip (x, lo)", "y = Clip (x, _, 1.0)"));
    CHECK(matches("Clip (x, \"\", hi)", "y = Clip (x, \"\", hi)"));
    CHECK_FALSE(matches("Clip (x, lo, hi)", "y = Clip (x, \"\", hi)"));
  }

  TEST_CASE("a scalar constant must not raise the rank of the result") {
    const auto matches = [](const char* x, const char* c) {
      Rewriting r(std::string("g (") + x + " x) => (float[] y) <" + c + "> { y = Mul (x, c) }");
      return r.run({to_relu("y = Mul (x, 0.5)")});
    };
    CHECK(matches("float[2]", "float c = {0.5}"));
    CHECK(matches("float[2]", "float[1] c = {0.5}"));
    CHECK_FALSE(matches("float[2]", "float[1,1] c = {0.5}"));
    CHECK_FALSE(matches("float[]", "float[1] c = {0.5}"));
    CHECK_FALSE(matches("float[2]", "float[2] c = {0.5, 0.5}"));
    CHECK_FALSE(matches("float[2]", "float c = {0.501}"));
  }

  TEST_CASE("numbers: approximate, integral, of any float type") {
    const auto matches = [](const char* type, const char* value, const char* pattern) {
      Rewriting r(std::string("g (") + type + "[2] x) => (" + type + "[2] y) <" + type + " c = {" + value + "}> { y = Mul (x, c) }");
      return r.run({to_relu(pattern)});
    };
    CHECK(matches("float", "1.4143", "y = Mul (x, 1.41421356~)"));
    CHECK_FALSE(matches("float", "1.4143", "y = Mul (x, 1.41421356)"));
    CHECK(matches("float", "0.1", "y = Mul (x, 0.1)"));
    CHECK(matches("double", "0.1", "y = Mul (x, 0.1)"));
    CHECK(matches("float16", "0.1", "y = Mul (x, 0.1)"));
    CHECK(matches("float", "2", "y = Mul (x, 2)"));
    CHECK(matches("int32", "2", "y = Mul (x, 2)"));
    CHECK_FALSE(matches("int32", "2", "y = Mul (x, 2.0)"));
  }

  TEST_CASE("attributes: equal, default, captured") {
    const auto matches = [](const char* attrs, const char* pattern) {
      Rewriting r(std::string("g (float[2,3] x) => (float[] y) { y = Softmax ") + attrs + " (x) }");
      return r.run({{.name = "r", .summary = "", .match = pattern, .rewrite = [](const Match& m, Rewriter& rw) {
                       rw.replace(m["y"], rw.op("Relu", {m["x"]}));
                     }}});
    };
    CHECK(matches("<axis = 1>", "y = Softmax <axis = 1> (x)"));
    CHECK_FALSE(matches("<axis = 0>", "y = Softmax <axis = 1> (x)"));
    CHECK(matches("", "y = Softmax <axis = -1> (x)"));
    CHECK(matches("<axis = 0>", "y = Softmax (x)"));
    Rewriting r("g (float[2,3] x) => (float[2,3] y) { a = Softmax <axis = 0> (x) y = Softmax <axis = 1> (a) }");
    std::int64_t first = -9, second = -9;
    CHECK(r.run({{.name = "r",
                  .summary = "",
                  .match = "a = Softmax <axis = @p> (x) y = Softmax <axis: int = @q> (a)",
                  .rewrite = [&](const Match& m, Rewriter& rw) {
                    first = std::get<std::int64_t>(m.captured("p")->value);
                    second = std::get<std::int64_t>(m.captured("q")->value);
                    rw.replace(m["y"], rw.op("Relu", {m["x"]}));
                  }}}));
    CHECK(first == 0);
    CHECK(second == 1);
    Rewriting same("g (float[2,3] x) => (float[2,3] y) { a = Softmax <axis = 0> (x) y = Softmax <axis = 1> (a) }");
    CHECK_FALSE(same.run({to_relu("a = Softmax <axis = @p> (x) y = Softmax <axis = @p> (a)")}));
  }

  TEST_CASE("the same name twice is the same value") {
    Rewriting square("g (float[2] x) => (float[2] y) { y = Mul (x, x) }");
    CHECK(square.run({to_relu("y = Mul (x, x)")}));
    Rewriting product("g (float[2] x, float[2] z) => (float[2] y) { y = Mul (x, z) }");
    CHECK_FALSE(product.run({to_relu("y = Mul (x, x)")}));
  }

  TEST_CASE("patterns with several outputs, and outputs that must be unused") {
    Rewriting r("g (float[4] x) => (float[2] y) { a, b = Split <num_outputs = 2> (x) y = Add (b, a) }");
    CHECK(r.run({{.name = "r", .summary = "", .match = "a, b = Split (x) y = Add (a, b)", .rewrite = [](const Match& m, Rewriter& rw) {
                    rw.replace(m["y"],
                               rw.op("ReduceSum", {rw.op("Reshape", {m["x"], rw.constant(Tensor::int64s({2, 2}))}), rw.constant(Tensor::int64s({0}))},
                                     {{"keepdims", std::int64_t{0}}}));
                  }}}));
    CHECK(r.ops() == "Reshape ReduceSum");
    const char* pool = "g (float[1,1,4,4] x) => (float[1,1,3,3] y, int64[1,1,3,3] i) { y, i = MaxPool <kernel_shape = [2,2]> (x) }";
    Rewriting used(pool);
    CHECK_FALSE(used.run({to_relu("y = MaxPool (x)")}));
    CHECK(used.explain(to_relu("y = MaxPool (x)")).find("output 1 of MaxPool is used") != std::string::npos);
  }
}

}  // namespace onnxopt
