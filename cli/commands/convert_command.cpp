#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/commands/convert.h"
#include "cli/commands/target_option.h"
#include "cli/report/format.h"
#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

void add_options(Command c, ConvertCommandOptions& o) {
  c.add_option("--opset", o.opsets, "The opset to convert to, e.g. 13 or 13,ai.onnx.ml:2").type_name("N").one_value_each();
  add_target_option(c, o.target);
  c.add_flag("--plan", o.plan, "Say what every node needs, and write nothing; exit 3 if some node cannot be converted");
  c.add_option("--ir-version", o.ir_version, "IR version of the output (default: the lowest that the content needs)")
      .type_name("N")
      .range(3, kNewestIrVersion);
  c.add_flag("--widen-types", o.widen_types, "Turn bfloat16, float8, int4 and their like into wider types where the target cannot hold them");
  add_output_options(c, o);
  add_verify_options(c, o);
  add_load_options(c, o.model);
  add_report_options(c, o);
}

int run(ConvertCommandOptions& o, const Invocation& invocation) {
  if (lists_targets(o.target)) return list_targets(invocation);
  forget_generic(o.target);
  take_in_place(o);
  if (o.input.empty()) throw Error(ExitCode::usage, "convert: say which model");
  if (o.opsets.empty() && o.target.empty())
    throw Error(ExitCode::usage, "convert: say which opset, e.g. --opset 13, or which runtime, e.g. --target onnxruntime-cpu@1.17");
  if (!o.plan && o.output.empty()) throw Error(ExitCode::usage, "convert: say where to write, -o FILE, or --plan");
  const ConvertResult r = convert(o);
  if (o.json) print_json(invocation, convert_json(o, r), report_file(o));
  else if (!o.quiet && (r.blocked.empty() || o.plan)) fmt::print(report_file(o), "{}", convert_text(o, r));
  if (r.blocked.empty()) return static_cast<int>(ExitCode::ok);
  if (!o.plan && !o.json) throw Error(ExitCode::bad_input, fmt::format("{}: {}", o.input, r.blocked));
  if (!o.plan) complain(printable(fmt::format("onnxopt: {}: {}", o.input, r.blocked)) + "\n");
  return static_cast<int>(ExitCode::bad_input);
}

}  // namespace

void setup_convert(Command app, Action& chosen) {
  auto o = std::make_shared<ConvertCommandOptions>();
  Command c = app.add_subcommand("convert", "Convert a model to another opset, and nothing else; check the result against the original");
  c.add_option("model", o->input, "The .onnx file to read").type_name("FILE");
  add_options(c, *o);
  c.footer(
      "Examples:\n"
      "  onnxopt convert model.onnx --opset 13 -o model-13.onnx\n"
      "  onnxopt convert model.onnx --opset 13,ai.onnx.ml:2 -o out.onnx    other domains too\n"
      "  onnxopt convert model.onnx --target onnxruntime-cpu@1.17 -o out.onnx    what that release loads\n"
      "  onnxopt convert model.onnx --opset 9 --plan    what every node needs, and what blocks; writes nothing\n"
      "Exit status: 0 converted, 1 the result differs from the original, 3 some node cannot be expressed (nothing is written).");
  c.on_chosen([o, &chosen] { chosen = [o](const Invocation& invocation) { return run(*o, invocation); }; });
}

}  // namespace onnxopt
