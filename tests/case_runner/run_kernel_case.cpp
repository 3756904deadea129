#include <fmt/format.h>

#include "ir/ops/infer.h"
#include "ir/text/text.h"
#include "passes/opset/opset.h"
#include "tests/case_runner/run_case.h"
#include "verify/compare/tolerance.h"
#include "verify/exec/executor.h"

namespace onnxopt::cases {
namespace {

// "float[2] x = {1, 2}, ..." by name, in order.
std::vector<std::pair<std::string, Tensor>> read_values(const CaseFile& file, const Section& s) {
  std::vector<std::pair<std::string, Tensor>> r;
  if (!s.line) return r;
  const auto holder = parse_model("values () => () <" + s.text + "> {}", {.file = file.path.filename().string(), .first_line = s.line});
  for (Value* v : holder->graph().constants()) r.emplace_back(v->name(), *v->constant());
  return r;
}

void run(const CaseFile& file, const KernelCase& c, Outcome& outcome) {
  const auto model =
      parse_model(c.model.text, {.default_opset = c.settings.opset, .file = file.path.filename().string(), .first_line = c.model.line});
  lift(*model);
  infer(*model);
  const auto given = read_values(file, c.inputs), expected = read_values(file, c.outputs);
  std::vector<RtValue> inputs;
  for (const Value* v : model->graph().inputs()) {
    if (v->constant()) continue;
    bool found = false;
    for (const auto& [name, tensor] : given)
      if (name == v->name()) inputs.emplace_back(tensor), found = true;
    if (!found) bad_input(fmt::format("INPUTS has no '{}'", v->name()));
  }
  ExecOptions options;
  options.backends = {reference_kernels()};
  Executor executor(*model, options);
  for (const auto& u : executor.unsupported()) outcome.skipped.push_back(fmt::format("no kernel: {}", u.reason));
  if (!executor.unsupported().empty()) return;
  const std::vector<RtValue> outputs = executor.run(inputs);
  for (const auto& [name, tensor] : expected) {
    bool found = false;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (model->graph().outputs()[i]->name() != name) continue;
      found = true;
      const ValueDiff d = compare_values(name, RtValue(tensor), outputs[i], Tolerance::rounding);
      if (!d.equal) outcome.failures.push_back(fmt::format("output '{}': {} (max abs {:g}, max rel {:g})", name, d.reason, d.max_abs, d.max_rel));
    }
    if (!found) outcome.failures.push_back(fmt::format("the graph has no output '{}'", name));
  }
}

}  // namespace

Outcome run_case(const CaseFile& file, const KernelCase& c) {
  Outcome outcome;
  try {
    run(file, c, outcome);
  } catch (const std::exception& e) {
    outcome.failures.push_back(e.what());
  }
  return outcome;
}

}  // namespace onnxopt::cases
