// onnxopt lower --to onnx: operators that ONNX Runtime's optimizer and quantizer wrote back to standard ones, all or nothing.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/commands/optimize.h"
#include "cli/report/format.h"
#include "cli/report/progress.h"
#include "ir/ops/op_table.h"
#include "passes/lower/lower.h"
#include "passes/opset/convert.h"
#include "passes/opset/ir_version.h"
#include "passes/opset/walk.h"

namespace onnxopt {
namespace {

constexpr int kOpsetWithoutOne = 21;  // of a model that imports com.microsoft alone

struct LowerCommandOptions : OutputOptions {
  std::string to = "onnx";
  bool plan = false;
};
struct LowerResult {
  Lowering lowering;
  OutputOpsets target;
  std::string blocked;  // not empty: nothing was written, and why
  VerifiedSave saved;
  double total_ms = 0;
};

bool uses_domain(Graph& root, std::string_view domain) {
  bool found = false;
  for_each_graph(root, [&](Graph& g) {
    for (const Node& n : g.nodes()) found = found || n.op().domain == domain;
  });
  return found;
}

// Imports that nothing uses any more go, if they are ONNX Runtime's.
void drop_imports(Model& m, OutputOpsets& target) {
  std::erase_if(target.imports, [&](const OpsetImport& i) {
    if (!i.domain.starts_with("com.microsoft") && !i.domain.starts_with("com.ms.internal") && i.domain != "ai.onnx.contrib") return false;
    bool used = uses_domain(m.graph(), i.domain);
    for (const auto& f : m.functions) used = used || f->domain == i.domain || uses_domain(*f->body, i.domain);
    return !used;
  });
}

LowerResult lower_model(const LowerCommandOptions& o) {
  const auto start = std::chrono::steady_clock::now();
  check_output_options(o);
  if (!o.plan) check_output_file(o.input, o.output, o.in_place);
  Progress progress(!o.quiet);
  progress.stage("reading");
  LowerResult r;
  const auto m = load_with_options(o.input, o.model, nullptr, [&](Model& raw) { refuse_newer(raw, o.model); });
  r.target = o.opsets.empty() ? own_opsets(*m) : parse_opsets(*m, o.opsets);
  if (r.target.version("") == 0) r.target.imports.push_back({"", kOpsetWithoutOne});
  progress.stage("lowering");
  r.lowering = lower_contrib(*m, r.target);
  const auto finish = [&] {
    r.total_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return std::move(r);
  };
  if (r.lowering.blocked > 0) {
    r.blocked = no_way_back_text(r.lowering);
    return finish();
  }
  if (const Conversion c = prepare_conversion(*m, r.target); c.blocked > 0) {
    r.blocked = blocked_text(c, r.target) + "; a higher --opset may help";
    return finish();
  }
  drop_imports(*m, r.target);
  if (o.plan) return finish();
  SaveOptions save_options;
  save_options.target = r.target;
  lower(*m, r.target);
  save_options.ir_version = std::max<std::int64_t>(m->ir_version, lowest_ir_version(*m, r.target.version("")));
  save_options.write = write_options(o);
  VerifiedSaveOptions v = verified_save_options(o);
  v.as_filed = true;
  r.saved = save_verified(*m, save_options, v, progress);
  return finish();
}

std::string text_of(const LowerCommandOptions& o, const LowerResult& r) {
  std::string s = o.plan ? o.input + "\n\n" : fmt::format("{} -> {}\n\n", o.input, o.output);
  std::map<std::pair<std::string, std::string>, std::size_t> groups;
  for (const LowerStep& step : r.lowering.steps) ++groups[{step.op, step.reason.empty() ? step.to : "no way back: " + step.reason}];
  Table t({"operator", "became", "times"});
  for (const auto& [k, n] : groups) t.add({k.first, k.second, std::to_string(n)});
  if (r.lowering.steps.empty()) s += "nothing to lower: no operator of ONNX Runtime in it\n";
  else s += fmt::format("{} nodes became {}, {} have no way back\n", r.lowering.lowered, r.lowering.made_nodes, r.lowering.blocked);
  if (!t.empty()) s += "\n" + t.text(2);
  s += "\n";
  for (const std::string& note : r.lowering.notes) s += "note: " + note + "\n";
  if (o.plan) return s;
  s += "Verification: " + verification_text(o.verify, r.saved.verification);
  s += fmt::format("Time: {}\n", human_ms(r.total_ms));
  if (!r.saved.written.external_file.empty())
    s += fmt::format("Weights: {} ({})\n", r.saved.written.external_file, human_bytes(r.saved.written.external_bytes));
  return s;
}

nlohmann::json json_of(const LowerCommandOptions& o, const LowerResult& r) {
  nlohmann::json steps = nlohmann::json::array();
  for (const LowerStep& s : r.lowering.steps) {
    nlohmann::json j = {{"graph", s.graph}, {"node", s.node}, {"operator", s.op}};
    if (s.reason.empty()) j["to"] = s.to;
    else j["reason"] = s.reason;
    steps.push_back(std::move(j));
  }
  nlohmann::json j = {{"nodes", {{"lowered", r.lowering.lowered}, {"made", r.lowering.made_nodes}, {"blocked", r.lowering.blocked}}},
                      {"steps", steps},
                      {"notes", r.lowering.notes},
                      {"ms", r.total_ms}};
  if (o.plan || !r.blocked.empty()) j["input"] = o.input;
  else add_files(j, o, r.saved);
  if (!r.blocked.empty()) j["error"] = r.blocked;
  return j;
}

int run(LowerCommandOptions& o, const Invocation& invocation) {
  take_in_place(o);
  if (!o.plan && o.output.empty()) throw Error(ExitCode::usage, "lower: say where to write, -o FILE, or --plan");
  const LowerResult r = lower_model(o);
  if (o.json) print_json(invocation, json_of(o, r), report_file(o));
  else if (!o.quiet && (r.blocked.empty() || o.plan)) fmt::print(report_file(o), "{}", text_of(o, r));
  if (r.blocked.empty()) return static_cast<int>(ExitCode::ok);
  if (!o.plan && !o.json) throw Error(ExitCode::bad_input, fmt::format("{}: {}", o.input, r.blocked));
  if (!o.plan) complain(printable(fmt::format("onnxopt: {}: {}", o.input, r.blocked)) + "\n");
  return static_cast<int>(ExitCode::bad_input);
}

}  // namespace

void setup_lower(Command app, Action& chosen) {
  auto o = std::make_shared<LowerCommandOptions>();
  Command c =
      app.add_subcommand("lower", "Turn operators of ONNX Runtime (com.microsoft) back into standard ONNX; check the result against the original");
  c.add_option("model", o->input, "The .onnx file to read").required().type_name("FILE");
  c.add_option("--to", o->to, "What to lower to").one_of({"onnx"}).show_default();
  c.add_flag("--plan", o->plan, "Say what every node becomes, and write nothing; exit 3 if some node has no way back");
  c.add_option("--opset", o->opsets, "Opset of the output (default: the model's own)").type_name("N").one_value_each();
  add_output_options(c, *o);
  add_verify_options(c, *o);
  add_load_options(c, o->model);
  add_report_options(c, *o);
  c.footer("Example: onnxopt lower model.ort-optimized.onnx --to onnx -o standard.onnx");
  c.on_chosen([o, &chosen] { chosen = [o](const Invocation& invocation) { return run(*o, invocation); }; });
}

}  // namespace onnxopt
