// What a file with moved or new values is named and listed like, so that onnx.checker takes it.
#include <doctest/doctest.h>

#include <string>

#include "ir/io/io.h"
#include "ir/text/text.h"
#include "passes/core/manager.h"
#include "verify/exec/executor.h"

namespace onnxopt {
namespace {

std::unique_ptr<Model> read_again(const Model& m) {
  const auto bytes = std::make_shared<const std::string>(serialize_model(m));
  return read_model(std::as_bytes(std::span(*bytes)), bytes, "/nonexistent");
}

// The model as a file has it after `pipeline`.
std::unique_ptr<Model> written(const std::string& pipeline, const std::string& text) {
  const auto model = read_again(*parse_model(text));  // so that all names are those of a file
  lift(*model);
  const auto evaluator = reference_evaluator();
  PassContext ctx;
  ctx.model = model.get();
  ctx.evaluator = evaluator.get();
  ctx.output = own_opsets(*model);
  PassManager manager(graph_passes());
  manager.add(pipeline);
  manager.run(*model, ctx);
  lower(*model, own_opsets(*model));
  return read_again(*model);
}

TEST_SUITE("names_test") {
  TEST_CASE("what leaves a body takes no name that a later body has too") {
    const auto m =
        written("inline-short-loop",
                "<ir_version: 8, opset_import: [\"\" : 17]>\n"
                "g (float[N] x, int64 n) => (float[N] y)\n"
                "<int64 one = {1}, bool go = {1}> {\n"
                "  a = Loop (one, go, x) <body = b (int64 i, bool c, float[N] s) => (bool d, float[N] t) { d = Identity (c)  t = Neg (s) }>\n"
                "  e = Exp (a)\n"
                "  y = Loop (n, go, e) <body = b (int64 i, bool c, float[N] s) => (bool d, float[N] t) { d = Identity (c)  t = Abs (s) }> }\n");
    const Graph& g = m->graph();
    const Node* loop = nullptr;
    for (const Node& n : g.nodes())
      if (n.is("Loop")) loop = &n;
    REQUIRE(loop);
    int same = 0;
    g.for_each_value([&](Value& outer) { loop->subgraphs()[0]->for_each_value([&](Value& inner) { same += outer.name() == inner.name(); }); });
    CHECK(same == 0);
  }

  TEST_CASE("a Constant node of IR version 3 that becomes an initializer is listed as an input, as that version demands") {
    const char* const kText =
        "<ir_version: 3, opset_import: [\"\" : 13]>\n"
        "g (float[2] x) => (float[2] y) { c = Constant <value = float[2] {1.0, 2.0}> ()  y = Add (x, c) }\n";
    const auto m = written("lift-constants", kText);
    REQUIRE(m->graph().inputs().size() == 2);
    CHECK(m->graph().inputs()[1]->name() == "c");
    CHECK(m->graph().inputs()[1]->constant());
  }
}

}  // namespace
}  // namespace onnxopt
