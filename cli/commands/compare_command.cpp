#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/commands/model_options.h"
#include "cli/commands/verification_json.h"
#include "cli/commands/verified_save.h"
#include "cli/report/file_hashes.h"
#include "cli/report/format.h"
#include "cli/report/progress.h"
#include "verify/compare/verify_models.h"

namespace onnxopt {
namespace {

struct Options {
  std::string a, b;
  ModelOptions model;
  VerifyOptions verify;
  bool exact = false, require_verified = false;
};

std::string number(double v) { return std::isinf(v) ? "inf" : fmt::format("{:.3g}", v); }

void print_text(const VerifyReport& r) {
  Table t({"output", "equal", "max abs", "max rel", "limit", "SQNR dB", ""});
  for (const ValueDiff& d : r.outputs)
    t.add({d.name, d.equal ? "yes" : "NO", number(d.max_abs), number(d.max_rel), number(d.limit), number(d.sqnr_db), d.reason});
  fmt::print("{}", t.text());
  fmt::print("{}: {} run{}{}, {}\n", verdict_text(r.verdict), r.runs, r.runs == 1 ? "" : "s", r.inputs_text.empty() ? "" : " with " + r.inputs_text,
             human_ms(r.ms));
  if (!r.reason.empty()) fmt::print("  because {}\n", printable(r.reason));
  for (const std::string& w : r.warnings) fmt::print("  warning: {}\n", printable(w));
}

int run(Options& o, const Invocation& invocation) {
  Progress progress(true);
  progress.stage("comparing");
  if (o.exact) o.verify.tolerance = Tolerance::exact;
  const auto read = [&](const std::string& file) {
    return load_with_options(file, o.model, nullptr, [&](Model& raw) { with_context(file, [&] { refuse_newer(raw, o.model); }); });
  };
  const auto a = read(o.a), b = read(o.b);
  const VerifyReport r = verify_models(*a, *b, o.verify);
  if (invocation.json) {
    nlohmann::json j = verification_json(r);
    j["a"] = o.a;
    j["b"] = o.b;
    j["files"] = {{"a", hashes_json(o.a)}, {"b", hashes_json(o.b)}};
    print_json(invocation, std::move(j));
  } else {
    print_text(r);
  }
  const bool failed = r.verdict == Verdict::differs || (o.require_verified && !r.trusted());
  return static_cast<int>(failed ? ExitCode::gate_failed : ExitCode::ok);
}

}  // namespace

void setup_compare(Command app, Action& chosen) {
  auto o = std::make_shared<Options>();
  Command c = app.add_subcommand("compare", "Run two models on the same seeded inputs and compare their outputs; exit 1 if they differ");
  c.add_option("a", o->a, "The reference .onnx file").required();
  c.add_option("b", o->b, "The .onnx file to compare with it").required();
  c.add_option("--seeds", o->verify.seeds, "Input sets to try").range(1, 1000).show_default();
  c.add_option("--verify-budget", o->verify.budget_s, "Seconds that the comparison may take").type_name("S").check(not_seconds).show_default();
  c.add_flag("--exact", o->exact, "Outputs must be bit-equal");
  c.add_flag("--require-verified", o->require_verified, "Exit 1 unless every output was compared on values that could differ, and is equal");
  add_model_options(c, o->model);
  c.footer("Example: onnxopt compare model.onnx better.onnx --seeds 10 --require-verified");
  c.on_chosen([o, &chosen] { chosen = [o](const Invocation& invocation) { return run(*o, invocation); }; });
}

}  // namespace onnxopt
