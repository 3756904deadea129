#include "cli/commands/target_option.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/report/format.h"
#include "ir/core/error.h"
#include "passes/opset/profile.h"
#include "passes/opset/profile_types.h"

namespace onnxopt {

namespace {

std::string targets_text() {
  Table t({"target", "opset", "ai.onnx.ml", "IR version", "source"});
  Table types({"target", "element types", "source"});
  for (const RuntimeProfile& p : runtime_profiles()) {
    const std::string name = fmt::format("{}@{}", p.runtime, p.version);
    t.add({name, std::to_string(p.opset), p.ml_opset ? std::to_string(p.ml_opset) : "-", std::to_string(p.ir_version), std::string(p.source)});
    if (!p.types.source.empty()) types.add({name, types_text(p.types), std::string(p.types.source)});
  }
  return t.text() +
         "\nElement types, where they are known. Without float32 in the list: those beyond the first 15 of ONNX. (stored): kept in weights\n"
         "and cast, not computed in; onnxruntime-cuda computes in it.\n\n" +
         types.text() +
         "\nA release between two rows loads what the row before it says. onnxruntime-cuda reads what onnxruntime-cpu does. generic: any standard "
         "ONNX.\n";
}

nlohmann::json targets_json() {
  nlohmann::json list = nlohmann::json::array();
  for (const RuntimeProfile& p : runtime_profiles()) {
    nlohmann::json j = {{"runtime", p.runtime}, {"version", p.version}, {"opset", p.opset}, {"ir_version", p.ir_version}, {"source", p.source}};
    if (p.ml_opset) j["ai.onnx.ml"] = p.ml_opset;
    if (!p.types.source.empty()) j["element_types"] = {{"text", types_text(p.types)}, {"source", p.types.source}};
    list.push_back(std::move(j));
  }
  return {{"targets", list}};
}

}  // namespace

void add_target_option(Command cmd, std::string& target) {
  cmd.add_option("--target", target,
                 "Write what this release of a runtime loads, e.g. onnxruntime-cpu@1.17; 'list' prints those that are known, 'generic' is none")
      .type_name("NAME@VERSION");
}

bool lists_targets(const std::string& target) { return target == "list"; }

int list_targets(const Invocation& invocation) {
  if (invocation.json) print_json(invocation, targets_json());
  else fmt::print("{}", targets_text());
  return static_cast<int>(ExitCode::ok);
}

void forget_generic(std::string& target) {
  if (target == "generic") target.clear();
}

void fit_to_target(OutputOpsets& to, const std::string& target, bool opset_given) {
  if (target.empty()) return;
  const OutputOpsets asked = to;
  fit_to_profile(to.imports, find_profile(target));
  for (std::size_t i = 0; i < to.imports.size() && opset_given; ++i)
    if (to.imports[i].version != asked.imports[i].version)
      throw Error(ExitCode::usage, fmt::format("--opset {}: {} loads opset {} of {} at most", asked.imports[i].version, target, to.imports[i].version,
                                               to.imports[i].domain.empty() ? "ai.onnx" : to.imports[i].domain));
}

void check_ir_version(std::int64_t version, const std::string& target) {
  if (target.empty()) return;
  const RuntimeProfile& p = find_profile(target);
  if (version > p.ir_version) bad_input(fmt::format("the model needs IR version {}, {} loads IR version {} at most", version, target, p.ir_version));
}

void check_element_types(Model& model, const std::string& target) {
  if (target.empty()) return;
  Conversion c;
  refuse_types(model, types_to_avoid(model, types_of(target)), target, c);
  if (c.blocked == 0) return;
  const ConversionStep& s = c.steps.front();
  bad_input(fmt::format("node '{}' ({}): {}{}; 'convert --target {} --widen-types' makes weights of such types wider", s.node,
                        s.from.substr(0, s.from.rfind('-')), s.reason, c.blocked > 1 ? fmt::format(", and {} more nodes", c.blocked - 1) : "",
                        target));
}

}  // namespace onnxopt
