#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/commands/optimize.h"
#include "cli/commands/scratch_folder.h"
#include "cli/commands/target_option.h"
#include "cli/commands/user_command.h"
#include "cli/report/file_hashes.h"
#include "cli/report/progress.h"
#include "passes/core/bisect.h"

namespace onnxopt {
namespace {

// The command's verdict on a model file: the user's program (exit 0: good) or the built-in comparison.
bool is_good(const OptimizeOptions& o, const std::string& command, const std::string& file) {
  if (!command.empty()) return run_user_command(command, file) == 0;
  const auto a = load_with_options(o.input, o.model);
  const auto b = load(file);
  VerifyOptions v;
  v.budget_s = o.verify_budget_s;
  return verify_models(*a, *b, v).verdict != Verdict::differs;
}

int run(OptimizeOptions o, const std::string& command, const Invocation& invocation) {
  const auto found = [&](nlohmann::json finding) {
    finding["input"] = o.input;
    finding["files"] = {{"input", hashes_json(o.input)}};
    print_json(invocation, std::move(finding));
  };
  Progress progress(true);
  ScratchFolder scratch("bisect");
  o.output = scratch.model("model.onnx").string();
  o.verify = false;
  o.quiet = true;
  std::vector<RewriteEvent> events;
  const auto good_with = [&](std::int64_t fuel) {
    progress.stage(fuel < 0 ? "trying all rewrites" : fmt::format("trying {} rewrites", fuel));
    o.fuel = fuel;
    events = optimize(o).events;
    return is_good(o, command, o.output);
  };
  if (good_with(-1)) {
    if (invocation.json) found({{"bad", false}});
    else fmt::print("no rewrite breaks this model\n");
    return 0;
  }
  const auto total = static_cast<std::int64_t>(events.size());
  if (total == 0) throw Error(ExitCode::gate_failed, "the model is bad, but no rewrite was counted: --passes names what to leave out");
  if (!good_with(0)) {
    if (invocation.json) found({{"bad", true}, {"fuel", 0}});
    else fmt::print("the model is bad without any rewrite: reading or writing it changes it\n");
    return static_cast<int>(ExitCode::gate_failed);
  }
  const std::int64_t bad = first_bad_fuel(total, good_with);
  if (good_with(bad) || events.empty())
    throw Error(ExitCode::gate_failed, fmt::format("the model is bad after all rewrites, good after the first {}: no single one is found", bad));
  const RewriteEvent& e = events.back();
  if (invocation.json) found({{"bad", true}, {"fuel", bad}, {"rule", e.rule}, {"node", e.node}, {"from", e.from_nodes}});
  else
    fmt::print("rewrite {} breaks the model: {} at {}\n  onnxopt optimize {} -o OUT --disable {} does without it\n", bad, e.rule, e.node, o.input,
               e.rule);
  return static_cast<int>(ExitCode::gate_failed);
}

}  // namespace

void setup_bisect(Command app, Action& chosen) {
  struct Options {
    OptimizeOptions optimize;
    std::string command;
  };
  auto o = std::make_shared<Options>();
  Command c = app.add_subcommand("bisect", "Find the first rewrite that breaks a model; exit 1 if there is one");
  c.add_option("model", o->optimize.input, "The .onnx file to read").required();
  c.add_option("--command", o->command,
               "A program that exits 0 if the model file given as its last argument is good (default: compare with the original)");
  add_rewrite_options(c, o->optimize);
  c.add_option("--opset", o->optimize.opsets, "Opset of the output").type_name("N").one_value_each();
  add_target_option(c, o->optimize.target);
  c.add_option("--verify-budget", o->optimize.verify_budget_s, "Seconds that each comparison may take")
      .type_name("S")
      .check(not_seconds)
      .show_default();
  add_model_options(c, o->optimize.model);
  c.footer("Example: onnxopt bisect model.onnx --command ./my-test.sh");
  c.on_chosen([o, &chosen] {
    chosen = [o](const Invocation& invocation) {
      if (lists_targets(o->optimize.target)) return list_targets(invocation);
      forget_generic(o->optimize.target);
      return run(o->optimize, o->command, invocation);
    };
  });
}

}  // namespace onnxopt
