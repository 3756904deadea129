// The growth budget of a run is about the file that it leaves: what is stored once counts once.
#include <doctest/doctest.h>

#include <string>

#include "ir/text/text.h"
#include "passes/core/manager.h"
#include "verify/exec/executor.h"

namespace onnxopt {
namespace {

std::string nodes_left(std::int64_t budget, const std::string& pipeline, const std::string& text) {
  const auto model = parse_model(text);
  lift(*model);
  const auto evaluator = reference_evaluator();
  PassContext ctx;
  ctx.model = model.get();
  ctx.evaluator = evaluator.get();
  ctx.output = own_opsets(*model);
  ctx.growth.left_bytes = budget;
  PassManager manager(graph_passes());
  manager.add(pipeline);
  manager.run(*model, ctx);
  std::string ops;
  for (const Node& n : model->graph().nodes()) ops += (ops.empty() ? "" : " ") + std::string(n.op().name);
  return ops;
}

TEST_SUITE("growth_test") {
  // Three equal tensors of 400 bytes and one other.
  const char* const kFour =
      "<ir_version: 8, opset_import: [\"\" : 13]>\n"
      "g (float[100] x) => (float[100] y) <int64[1] s = {100}>\n"
      "{ a = ConstantOfShape <value = float[1] {1.0}> (s)  b = ConstantOfShape <value = float[1] {1.0}> (s)\n"
      "  c = ConstantOfShape <value = float[1] {1.0}> (s)  d = ConstantOfShape <value = float[1] {2.0}> (s)\n"
      "  p = Add (x, a)  q = Mul (p, b)  r = Sub (q, c)  y = Div (r, d) }\n";

  TEST_CASE("constants that are folded twice and stored once") {
    CHECK(nodes_left(800, "fold-constants", kFour) == "ConstantOfShape ConstantOfShape Add Mul Sub Div");
    CHECK(nodes_left(800, "fixpoint(fold-constants,dedup-initializers)", kFour) == "Add Mul Sub Div");
    CHECK(nodes_left(799, "fixpoint(fold-constants,dedup-initializers)", kFour).starts_with("ConstantOfShape"));
    CHECK(nodes_left(0, "fixpoint(fold-constants,dedup-initializers)", kFour).starts_with("ConstantOfShape ConstantOfShape ConstantOfShape"));
  }
}

}  // namespace
}  // namespace onnxopt
