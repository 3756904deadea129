// Rules fire on what exporters write: exporter_graphs.txt has small graphs of PyTorch's two exporters, skl2onnx and ONNX Runtime's quantizer.
#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "ir/core/check.h"
#include "ir/ops/infer.h"
#include "ir/text/text.h"
#include "passes/core/manager.h"
#include "tests/sections.h"
#include "verify/exec/executor.h"

using namespace onnxopt;

TEST_SUITE("exporter_graphs_test") {
  struct Exported {
    std::string rule, exporter, text;
    int opset = 0, line = 0;
  };

  std::vector<Exported> read_graphs() {
    std::vector<Exported> list;
    for (test::Section& section : test::read_sections("tests/passes_core/exporter_graphs.txt")) {
      Exported e;
      e.line = section.line;
      e.text = std::move(section.text);
      std::istringstream head(section.head);
      head >> e.rule >> e.opset;
      std::getline(head >> std::ws, e.exporter);
      list.push_back(std::move(e));
    }
    return list;
  }

  // All that -O3 does, for `opset`.
  PassContext optimized(Model & model, int opset, Evaluator& evaluator) {
    model.file_opsets = model.opsets;
    PassContext ctx;
    ctx.model = &model;
    ctx.evaluator = &evaluator;
    ctx.output = own_opsets(model);
    for (OpsetImport& import : ctx.output.imports)
      if (import.domain.empty()) import.version = opset;
    ctx.level = Level::o3;
    ctx.growth.left_bytes = 1 << 20;
    lift(model);
    infer(model);
    PassManager manager(graph_passes());
    manager.add(default_pipeline(Level::o3));
    manager.run(model, ctx);
    return ctx;
  }

  TEST_CASE("rules fire on what exporters write") {
    const auto list = read_graphs();
    CHECK(list.size() > 100);
    const auto evaluator = reference_evaluator();
    for (const Exported& e : list) {
      INFO("exporter_graphs.txt:" << e.line << ": " << e.rule << ", " << e.exporter);
      const auto model = parse_model(e.text);
      const PassContext ctx = optimized(*model, e.opset, *evaluator);
      CHECK(ctx.totals.contains(e.rule));
      CHECK(check(*model).empty());
    }
  }
}
