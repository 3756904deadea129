#include "passes/rewrite/origin.h"
#include "tests/passes_rewrite/rewriting.h"

namespace onnxopt {
using testing::Rewriting;
using testing::to_relu;

namespace {

bool contains(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

Rule remove_identity() {
  return {.name = "remove-identity", .summary = "", .match = "y = Identity (x)", .rewrite = [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], m["x"]);
          }};
}
Rule merge_relu() {
  return {.name = "merge-relu", .summary = "", .match = "a = Relu (x) y = Relu (a)", .rewrite = [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("Relu", {m["x"]}));
          }};
}

}  // namespace

TEST_SUITE("driver_test") {
  TEST_CASE("inner values must not escape") {
    const auto rule = [] { return to_relu("a = Exp (x) y = Log (a)"); };
    Rewriting output("g (float[2] x) => (float[2] y, float[2] a) { a = Exp (x) y = Log (a) }");
    const std::string before = output.text();
    CHECK_FALSE(output.run({rule()}));
    CHECK(output.text() == before);
    CHECK(contains(output.explain(rule()), "a is a graph output"));
    Rewriting second("g (float[2] x) => (float[2] y, float[2] z) { a = Exp (x) y = Log (a) z = Neg (a) }");
    CHECK_FALSE(second.run({rule()}));
    CHECK(contains(second.explain(rule()), "a is used outside the match, by Neg"));
    Rewriting kept("g (float[2] x) => (float[2] y, float[2] z) { a = Exp (x) y = Log (a) z = Neg (a) }");
    Rule keep = rule();
    keep.keep = "a";
    CHECK(kept.run({keep}));
    CHECK(kept.ops() == "Exp Relu Neg");
  }

  TEST_CASE("a chain collapses, names and origin move to the new node") {
    Rewriting r(R"(g (float[2] x) => (float[2] y) { ["first"] a = Relu (x) ["second"] b = Relu (a) ["third"] y = Relu (b) })");
    CHECK(r.run({merge_relu()}));
    CHECK(r.ops() == "Relu");
    const Node& n = *r.model->graph().first();
    CHECK(n.name == "third");
    CHECK(n.output()->name() == "y");
    REQUIRE(n.extra() != nullptr);
    CHECK(n.extra()->metadata == StringPairs{{"onnxopt.origin", "merge-relu: second, third"}});
    CHECK(r.ctx.totals["merge-relu"].hits == 2);
    REQUIRE(r.ctx.events.size() == 2);
    CHECK(r.ctx.events[0].removed_nodes == 2);
    CHECK(r.ctx.events[0].added_nodes == 1);
    strip_origins(*r.model);
    CHECK(n.extra()->metadata.empty());
  }

  TEST_CASE("names of graph outputs survive, and no copy is made for nothing") {
    Rewriting inner("g (float[2] x) => (float[2] y) { a = Relu (x) y = Identity (a) }");
    CHECK(inner.run({remove_identity()}));
    CHECK(inner.equals("g (float[2] x) => (float[2] y) { y = Relu (x) }"));
    Rewriting input("g (float[2] x) => (float[2] y) { y = Identity (x) }");
    CHECK_FALSE(input.run({remove_identity()}));
    CHECK(contains(input.explain(remove_identity()), "to keep its name"));
    Rewriting both("g (float[2] x) => (float[2] y, float[2] z) { y = Relu (x) z = Identity (y) }");
    CHECK_FALSE(both.run({remove_identity()}));
  }

  TEST_CASE("a refused rewrite leaves the graph as it was") {
    const char* text = "g (float[2] x) => (float[2] y, float[2] z) { a = Exp (x) y = Log (a) z = Abs (a) }";
    const auto refused = [&](Rule rule, std::string_view why) {
      Rewriting r(text);
      const std::string before = r.text();
      std::vector<std::size_t> uses;
      CHECK_FALSE(r.run({rule}));
      CHECK(r.text() == before);
      CHECK(contains(r.explain(rule), why));
      CHECK(r.model->graph().constants().empty());
      CHECK(r.ctx.rewrites == 0);
    };
    const auto rule = [](auto rewrite) { return Rule{.name = "r", .summary = "", .match = "y = Log (x)", .rewrite = rewrite}; };
    refused(rule([](const Match& m, Rewriter& rw) { rw.replace(m["y"], rw.op("Neg", {rw.op("Abs", {m["x"]})})); }), "would leave 2 nodes for 1");
    refused(rule([](const Match& m, Rewriter& rw) {
              rw.replace(m["y"], rw.op("Cast", {m["x"]}, {{"to", std::int64_t{11}}}));
            }),
            "the replacement is double, not float");
    refused(rule([](const Match& m, Rewriter& rw) {
              rw.replace(m["y"], rw.op("Concat", {m["x"], m["x"]}, {{"axis", std::int64_t{0}}}));
            }),
            "dim 0 of the replacement is 4, not provably 2");
    refused(rule([](const Match& m, Rewriter& rw) {
              rw.replace(m["y"], rw.op("ReduceSum", {m["x"]}, {{"keepdims", std::int64_t{0}}}));
            }),
            "has rank 0, not 1");
    refused(rule([](const Match& m, Rewriter& rw) {
              rw.op("Add", {m["x"], rw.constant(Tensor::scalar(1.0f))});
              rw.give_up("nothing to gain");
            }),
            "nothing to gain");
    refused(rule([](const Match& m, Rewriter& rw) { rw.replace(m["y"], rw.op("Log", {m["y"]})); }), "which it replaces");
    refused(rule([](const Match&, Rewriter&) {}), "nothing would change");
    refused(rule([](const Match& m, Rewriter& rw) {
              rw.replace(m["y"], rw.constant(rw.eval("Log", {Tensor::scalar(1.0f)})));
              (void)m;
            }),
            "no evaluator");
  }

  TEST_CASE("growth is counted in bytes, what dies is given back") {
    const auto to_constant = [](std::int64_t n) {
      return Rule{
          .name = "grow", .summary = "", .match = "y = Add (x, W)", .where = {is_constant("W")}, .rewrite = [n](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("Sub", {m["x"], rw.constant(Tensor::zeros(DType::float32, {n}))}));
          }};
    };
    Rewriting r("g (float[100] x) => (float[100] y) <float[1] W = {1}> { y = Add (x, W) }");
    r.ctx.growth.left_bytes = 395;
    CHECK_FALSE(r.run({to_constant(100)}));
    CHECK(contains(r.explain(to_constant(100)), "would grow the file by 396 bytes, 395 are left"));
    r.ctx.growth.left_bytes = 396;
    CHECK(r.run({to_constant(100)}));
    CHECK(r.ctx.growth.left_bytes == 0);
    CHECK(r.model->graph().constants().size() == 1);
  }

  TEST_CASE("fuel stops after so many rewrites") {
    for (int fuel = 0; fuel <= 3; ++fuel) {
      Rewriting r("g (float[2] x) => (float[2] y) { a = Relu (x) b = Relu (a) c = Relu (b) y = Relu (c) }");
      r.ctx.fuel = fuel;
      CHECK(r.run({merge_relu()}) == (fuel > 0));
      CHECK(r.model->graph().node_count() == static_cast<std::size_t>(4 - fuel));
      CHECK(r.ctx.rewrites == static_cast<std::size_t>(fuel));
    }
  }

  TEST_CASE("rules that undo each other are named") {
    const auto turn = [](std::string_view name, std::string_view match, std::string op) {
      return Rule{
          .name = name, .summary = "", .match = match, .rewrite = [op](const Match& m, Rewriter& rw) { rw.replace(m["y"], rw.op(op, {m["x"]})); }};
    };
    Rewriting r("g (float[2] x) => (float[2] y) { y = Exp (x) }");
    try {
      r.run({turn("exp-to-log", "y = Exp (x)", "Log"), turn("log-to-exp", "y = Log (x)", "Exp")});
      FAIL("no error");
    } catch (const InternalError& e) {
      CHECK(contains(e.what(), "rules undo each other"));
      CHECK(contains(e.what(), "exp-to-log"));
      CHECK(contains(e.what(), "log-to-exp"));
    }
    RuleSet set;
    set.add(turn("exp-to-log", "y = Exp (x)", "Log"));
    set.add(turn("log-to-exp", "y = Log (x)", "Exp"));
    set.add(merge_relu());
    set.build();
    Rewriting left_out("g (float[2] x) => (float[2] y) { a = Exp (x) b = Relu (a) y = Relu (b) }");
    CHECK(Driver(set, {true, true, true}, left_out.ctx, EndlessRules::are_left_out).run(left_out.model->graph()));
    CHECK(left_out.ctx.notes.size() == 1);
    CHECK(left_out.ops().ends_with(" Relu"));
  }

  TEST_CASE("subgraphs are entered, outer values are plain inputs") {
    const char* text = R"(g (float[2] x, bool c) => (float[2] y) {
      o = Relu (x)
      y = If (c) <then_branch = t () => (float[2] p) { a = Relu (x)  b = Relu (a)  p = Exp (b) },
                  else_branch = e () => (float[2] q) { q = Relu (o) }>
    })";
    Rewriting r(text);
    CHECK(r.run({merge_relu()}));
    const Node* branch = r.model->graph().last();
    CHECK(Rewriting::ops(*branch->subgraphs()[0]) == "Relu Exp");
    CHECK(Rewriting::ops(*branch->subgraphs()[1]) == "Relu");  // o is made outside: not matched through
    CHECK(r.ops() == "Relu If");
    CHECK(r.ctx.totals["merge-relu"].hits == 1);
  }

  TEST_CASE("a use inside a subgraph is an escape") {
    Rewriting r(R"(g (float[2] x, bool c) => (float[2] y, float[2] z) {
      a = Relu (x)
      y = Relu (a)
      z = If (c) <then_branch = t () => (float[2] p) { p = Exp (a) }, else_branch = e () => (float[2] q) { q = Exp (x) }>
    })");
    CHECK_FALSE(r.run({merge_relu()}));
    CHECK(contains(r.explain(merge_relu()), "a is used outside the match, by Exp"));
  }

  TEST_CASE("function bodies are rewritten, nodes with attribute references are left alone") {
    Rewriting r(R"(<ir_version: 10, opset_import: ["" : 28, "local" : 1]>
      g (float[2,3] x) => (float[2,3] y) { y = local.f <axis = 1> (x) }
      <domain: "local", opset_import: ["" : 28]>
      f <axis> (x) => (y) { a = Relu (x)  b = Relu (a)  y = Softmax <axis: int = @axis> (b) }
    )");
    CHECK(r.run({merge_relu(), to_relu("y = Softmax (x)")}));
    REQUIRE(r.model->functions.size() == 1);
    CHECK(Rewriting::ops(*r.model->functions[0]->body) == "Relu Softmax");
  }

  TEST_CASE("--keep, kept nodes and custom operators match nothing") {
    const char* text = R"(g (float[2] x) => (float[2] y) { ["hold"] a = Relu (x) y = Relu (a) })";
    Rewriting keep(text);
    keep.ctx.keep_nodes = {"hold"};
    CHECK_FALSE(keep.run({merge_relu()}));
    CHECK(contains(keep.explain(merge_relu()), "hold (Relu) is kept as it is"));
    Rewriting old(text);
    old.model->graph().first()->kept = true;
    CHECK_FALSE(old.run({merge_relu()}));
  }

  TEST_CASE("what becomes possible later is found") {
    // The root of merge-relu is looked at before the Identities between are gone.
    Rewriting r("g (float[2] x) => (float[2] y) { a = Relu (x) b = Identity (a) c = Identity (b) y = Relu (c) }");
    CHECK(r.run({merge_relu(), remove_identity()}));
    CHECK(r.ops() == "Relu");
  }

  TEST_CASE("a value that loses its second use can match afterwards") {
    const Rule drop{
        .name = "drop", .summary = "", .match = "y = Pow (x, _)", .rewrite = [](const Match& m, Rewriter& rw) { rw.replace(m["y"], m["x"]); }};
    Rewriting r("g (float[2] x) => (float[2] z) { a = Relu (x) b = Relu (a) z = Pow (b, a) }");
    CHECK(r.run({merge_relu(), drop}));
    CHECK(r.ops() == "Relu");
  }

  TEST_CASE("node rules share the worklist") {
    const NodeRule abs{.name = "abs-of-abs", .summary = "", .ops = "Abs", .visit = [](const Node& n, Rewriter& rw) {
                         const Node* before = n.input(0)->producer();
                         if (!before || !before->is("Abs")) {
                           rw.give_up("the input is not an Abs");
                           return false;
                         }
                         rw.replace(n.output(), n.input(0));
                         return true;
                       }};
    Rewriting r("g (float[2] x) => (float[2] y) { a = Abs (x) b = Abs (a) c = Abs (b) y = Relu (c) }");
    CHECK(r.run({}, {abs}));
    CHECK(r.ops() == "Abs Relu");
    CHECK(r.ctx.totals["abs-of-abs"].hits == 2);
    const ExplainRequest request{"abs-of-abs", ""};
    r.ctx.explain = &request;
    CHECK_FALSE(r.run({}, {abs}));
    REQUIRE(r.ctx.explanations.size() == 1);
    CHECK(contains(r.ctx.explanations[0], "the input is not an Abs"));
  }

  TEST_CASE("explain names the nearest miss and the first condition that failed") {
    const auto rule = [] { return to_relu("a = Exp (x) b = Mul (a, W) y = Add (b, 1.0)", {is_constant("W"), used_once("b a")}); };
    Rewriting constant("g (float[2] x, float[2] W) => (float[2] y) <float one = {1}> { a = Exp (x) b = Mul (a, W) y = Add (b, one) }");
    CHECK(contains(constant.explain(rule()), "3 nodes matched; is_constant(W)"));
    Rewriting number("g (float[2] x, float[2] W) => (float[2] y) <float one = {1.5}> { a = Exp (x) b = Mul (a, W) y = Add (b, one) }");
    CHECK(contains(number.explain(rule()), "is not the constant 1"));
    Rewriting none("g (float[2] x) => (float[2] y) { y = Abs (x) }");
    CHECK(contains(none.explain(rule()), "no node that could be its root"));
    Rewriting fires("g (float[2] x) => (float[2] y) <float one = {1}, float[2] W = {1,2}> { a = Exp (x) b = Mul (a, W) y = Add (b, one) }");
    CHECK(contains(fires.explain(rule()), "fired 1 time"));
    Rewriting named(R"(g (float[2] x) => (float[2] y, float[2] z) { ["p"] y = Add (x, x) ["q"] z = Add (x, y) })");
    CHECK(contains(named.explain(rule(), "q"), "nearest miss at q (Add)"));
  }

  TEST_CASE("a replacement of an inner value comes before its other readers or is refused") {
    // a is read by n, which stands before the root y: a new node in front of y would come too late.
    const Rule late{.name = "late",
                    .summary = "",
                    .match = "a = Exp (x) y = Log (a)",
                    .rewrite = [](const Match& m, Rewriter& rw) { rw.replace(m["a"], rw.op("Abs", {m["x"]})); },
                    .keep = "a"};
    Rewriting r("g (float[2] x) => (float[2] y, float[2] n) { a = Exp (x) n = Neg (a) y = Log (a) }");
    const std::string before = r.text();
    CHECK_FALSE(r.run({late}));
    CHECK(r.text() == before);
    CHECK(contains(r.explain(late), "before its replacement is made"));
  }
}

}  // namespace onnxopt
