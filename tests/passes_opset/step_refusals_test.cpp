// What a step of an operator's history or a decomposition refuses, and why: one small graph a reason, in refusals.txt. A step is asked directly, so
// that no decomposition answers in its place. tests/tools/check_reasons.py sees to it that every reason has its graph.
#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "ir/ops/infer.h"
#include "ir/text/text.h"
#include "passes/lower/lower.h"
#include "passes/opset/convert.h"
#include "passes/opset/draft.h"
#include "passes/opset/opset.h"
#include "passes/opset/step.h"
#include "tests/sections.h"

using namespace onnxopt;

TEST_SUITE("step_refusals_test") {
  // ## Op FROM TO up|down | reason
  struct Refused {
    std::string op, direction, reason, text;
    int from = 0, to = 0, line = 0;
  };

  std::vector<Refused> read_refusals() {
    std::vector<Refused> list;
    for (test::Section& section : test::read_sections("tests/passes_opset/refusals.txt")) {
      Refused r;
      r.line = section.line;
      r.text = std::move(section.text);
      std::istringstream head(section.head);
      head >> r.op >> r.from >> r.to >> r.direction;
      r.reason = section.head.substr(section.head.find(" | ") + 3);
      list.push_back(std::move(r));
    }
    return list;
  }

  const Step* find_step(const Refused& r) {
    for (const auto steps : {steps_broadcast(), steps_legacy(), steps_shape(), steps_axis(), steps_reduce(), steps_nn(), steps_resize(),
                             steps_quant(), steps_misc(), steps_ml()})
      for (const Step& s : steps)
        if (s.op == r.op && s.from == r.from && s.to == r.to) return &s;
    return nullptr;
  }

  std::string refusal(const Refused& r) {
    const Step* step = find_step(r);
    if (!step) return "there is no such step";
    const bool up = r.direction == "up";
    const std::string opset = std::to_string(up ? r.from : r.to);
    const auto model =
        parse_model("<ir_version: 8, opset_import: [\"\" : " + opset + ", \"ai.onnx.ml\" : " + opset + ", \"custom\" : 1]>\n" + r.text);
    infer(*model, {.strict = false});
    Draft draft(*model->graph().last());
    const StepFn fn = up ? step->up : step->down;
    return fn ? fn(draft) : "the step only relabels";
  }

  // ## Op 1 OPSET lower | reason: the way of com.microsoft operators back to standard ones.
  std::string lowering_refusal(const Refused& r) {
    const std::string opset = std::to_string(r.to);
    const auto model = parse_model("<ir_version: 10, opset_import: [\"\" : " + opset +
                                   ", \"com.microsoft\" : 1, \"com.microsoft.nchwc\" : 1, \"custom\" : 1]>\n" + r.text);
    lift(*model);
    const Lowering l = lower_contrib(*model, own_opsets(*model));
    for (const LowerStep& s : l.steps)
      if (s.op == r.op && !s.reason.empty()) return s.reason;
    return "nothing is refused";
  }

  // ## Op FROM TO convert | reason: a whole model is asked, as `convert` does.
  // The opsets are those of ai.onnx.ml where the graph names it.
  std::string conversion_refusal(const Refused& r) {
    const bool ml = r.text.find("ai.onnx.ml.") != std::string::npos;
    const auto imports = [ml](int opset) { return std::vector<OpsetImport>{{"", ml ? 15 : opset}, {"ai.onnx.ml", ml ? opset : 3}, {"custom", 1}}; };
    const auto model = parse_model("<ir_version: 10, opset_import: [\"\" : " + std::to_string(ml ? 15 : r.from) +
                                   ", \"ai.onnx.ml\" : " + std::to_string(ml ? r.from : 3) + ", \"custom\" : 1]>\n" + r.text);
    model->file_opsets = model->opsets;
    lift(*model);
    const Conversion c = prepare_conversion(*model, OutputOpsets{imports(r.to)});
    for (const ConversionStep& s : c.steps)
      if (s.kind == ConversionStep::Kind::blocked) return s.from.starts_with(r.op) ? refusal_line(s) : "refused is " + s.from;
    return "nothing is refused";
  }

  std::string reason_of(const Refused& r) {
    if (r.direction == "lower") return lowering_refusal(r);
    return r.direction == "convert" ? conversion_refusal(r) : refusal(r);
  }

  TEST_CASE("steps and decompositions refuse, and say why") {
    const auto list = read_refusals();
    CHECK(list.size() > 100);
    for (const Refused& r : list) {
      INFO("refusals.txt:" << r.line << ": " << r.op << " " << r.from << " " << r.to << " " << r.direction);
      std::string why;
      try {
        why = reason_of(r);
      } catch (const std::exception& e) {
        why = e.what();
      }
      CHECK(why == r.reason);
    }
  }
}
