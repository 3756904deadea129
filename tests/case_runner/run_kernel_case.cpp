#include <fmt/format.h>

#include "ir/ops/infer.h"
#include "ir/text/text.h"
#include "passes/opset/convert.h"
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

std::unique_ptr<Model> read_graph(const CaseFile& file, const KernelCase& c) {
  return parse_model(c.model.text, {.default_opset = c.settings.opset, .file = file.path.filename().string(), .first_line = c.model.line});
}

// The model as a file of opset `to` has it.
std::unique_ptr<Model> converted(const CaseFile& file, const KernelCase& c, int to) {
  const auto model = read_graph(file, c);
  model->file_opsets = model->opsets;
  lift(*model);
  const OutputOpsets target{{{"", to}}};
  const Conversion conversion = prepare_conversion(*model, target);
  if (conversion.blocked > 0) bad_input(blocked_text(conversion, target));
  lower(*model, target);
  return parse_model(print_model(*model, {.full = true}));
}

void run(const CaseFile& file, const KernelCase& c, std::unique_ptr<Model> model, Outcome& outcome) {
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
    run(file, c, read_graph(file, c), outcome);
    for (const int to : c.settings.convert) {
      const std::size_t before = outcome.failures.size();
      run(file, c, converted(file, c, to), outcome);
      for (std::size_t i = before; i < outcome.failures.size(); ++i) outcome.failures[i] = fmt::format("at opset {}: {}", to, outcome.failures[i]);
    }
  } catch (const std::exception& e) {
    outcome.failures.push_back(e.what());
  }
  return outcome;
}

}  // namespace onnxopt::cases
