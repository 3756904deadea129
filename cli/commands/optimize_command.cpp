#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/commands/optimize.h"
#include "cli/commands/target_option.h"
#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

void add_format_options(Command c, OptimizeOptions& o) {
  c.add_option("--opset", o.opsets, "Opset of the output, e.g. 21 or 21,ai.onnx.ml:3 (default: the model's own)").type_name("N").one_value_each();
  add_target_option(c, o.target);
  c.add_option("--ir-version", o.ir_version, "IR version of the output (default: the model's own)").type_name("N").range(3, kNewestIrVersion);
  c.add_flag(
      "--no-restore", [&o] { o.restore = false; }, "Write every node through the opset adapters instead of restoring untouched ones");
}

void add_debug_options(Command c, OptimizeOptions& o) {
  c.add_option("--explain", o.explain, "Say why a rule did not fire (RULE or RULE@NODE): the nearest miss").type_name("RULE").group("Debugging");
  c.add_option("--print-after", o.print_after,
               "Print the graph after each run of this pass, of all of them (all), or after each turn in which this rule fired")
      .type_name("PASS")
      .group("Debugging");
  c.add_flag("--print-changed", o.print_changed, "Print the graph after every pass that changed it").group("Debugging");
  c.add_option("--dump-dir", o.dump_dir, "Write the graph after every pass that changed it into this folder").type_name("DIR").group("Debugging");
  c.add_flag("--verify-each", o.verify_each, "Check the graph's structure after every pass").group("Debugging");
  c.add_flag("--check-each", o.check_each, "Compare numerically with the original after every pass that changed something").group("Debugging");
  c.add_option("--fuel", o.fuel, "Stop after this many rewrites").type_name("N").check(not_count).group("Debugging");
  c.add_flag("--time-passes", o.time_passes, "Report the time of every pass").group("Debugging");
}

}  // namespace

void add_rewrite_options(Command c, OptimizeOptions& o) {
  c.add_option("-O", o.level, "Optimization level: 1 bit-equal, 2 within float rounding, 3 also bigger operators and layout")
      .range(1, 3)
      .show_default();
  c.add_option("--passes", o.passes, "Run exactly this pipeline, e.g. \"fixpoint(fold-constants,fusions),remove-dead\"; \"\" runs nothing")
      .type_name("TEXT");
  c.add_option("--disable", o.disable, "Switch a rule or pass off (NAME or NAME@n for its n-th run)").type_name("NAME").one_value_each();
  c.add_option("--keep", o.keep_nodes, "Leave the node of this name as it is").type_name("NODE").one_value_each();
  c.add_flag("--inline", o.inline_functions, "Inline model-local functions");
  c.add_flag("--keep-overridable", o.keep_overridable, "Keep inputs that have a default value as inputs");
  c.add_option("--max-growth", o.max_growth, "How much the file may grow, in bytes or percent (default: the larger of 1 MiB and 10 %)")
      .type_name("SIZE");
}

void setup_optimize(Command app, Action& chosen) {
  auto o = std::make_shared<OptimizeOptions>();
  Command c = app.add_subcommand("optimize", "Simplify, fold and fuse a model; check the result against the original");
  c.add_option("model", o->input, "The .onnx file to read").type_name("FILE");
  add_output_options(c, *o);
  add_format_options(c, *o);
  add_rewrite_options(c, *o);
  add_model_options(c, o->model);
  add_verify_options(c, *o);
  add_report_options(c, *o);
  add_debug_options(c, *o);
  c.footer(
      "Examples:\n"
      "  onnxopt optimize model.onnx -o better.onnx\n"
      "  onnxopt optimize model.onnx -o better.onnx --dim batch=1 --require-verified --json > report.json\n"
      "  onnxopt optimize model.onnx -o better.onnx --explain fuse-conv-bn    why did a rule not fire");
  c.on_chosen([o, &chosen] {
    chosen = [o](const Invocation& invocation) {
      if (lists_targets(o->target)) return list_targets(invocation);
      forget_generic(o->target);
      take_in_place(*o);
      if (o->input.empty() || o->output.empty()) throw Error(ExitCode::usage, "optimize: say which model to read, and where to write: -o FILE");
      const OptimizeResult r = optimize(*o);
      if (o->json) print_json(invocation, optimize_json(*o, r), report_file(*o));
      else if (!o->quiet) fmt::print(report_file(*o), "{}", optimize_text(*o, r));
      return leave(ExitCode::ok);
    };
  });
}

}  // namespace onnxopt
