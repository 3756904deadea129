#include <fmt/format.h>

#include <memory>

#include "cli/commands/cli.h"
#include "cli/report/conformance_report.h"
#include "cli/report/progress.h"
#include "ir/io/write_file.h"

namespace onnxopt {
namespace {

struct Options {
  std::vector<std::string> folders;
  std::string backend = "reference", junit;
  bool quiet = false, as_is = false;
};

ConformanceOptions run_options(const Options& o) {
  ConformanceOptions r;
  r.lift = !o.as_is;
  r.backends = {reference_kernels()};  // the only backend; --backend knows no other name
  return r;
}

ConformanceSummary run_all(const Options& o) {
  Progress progress(true);
  std::vector<ConformanceTest> tests;
  for (const std::string& folder : o.folders) {
    const auto found = find_conformance_tests(folder);
    tests.insert(tests.end(), found.begin(), found.end());
  }
  const ConformanceOptions options = run_options(o);
  ConformanceSummary summary;
  for (const ConformanceTest& t : tests) {
    progress.stage(t.name);
    summary.add(run_conformance_test(t, options));
  }
  return summary;
}

int run(const Options& o, const Invocation& invocation) {
  if (!o.junit.empty()) check_target(o.junit);
  const ConformanceSummary summary = run_all(o);
  if (!o.junit.empty()) write_file(o.junit, conformance_junit(summary));
  if (invocation.json) print_json(invocation, conformance_json(summary, o.backend));
  else fmt::print("{}", conformance_text(summary, o.quiet));
  return static_cast<int>(summary.total.failed == 0 ? ExitCode::ok : ExitCode::gate_failed);
}

}  // namespace

void setup_conformance(Command app, Action& chosen) {
  auto o = std::make_shared<Options>();
  Command c = app.add_subcommand("conformance", "Run ONNX backend tests (model.onnx and stored inputs and outputs) and count what passes");
  c.add_option("folders", o->folders, "Folders of tests, at any depth: model.onnx with test_data_set_N, or light_X.onnx with light_X_output_N.pb")
      .required()
      .type_name("DIR");
  c.add_option("--backend", o->backend, "What runs them").one_of({"reference"}).show_default();
  c.add_flag("--as-is", o->as_is, "Run operators at the version of the file, not lifted to the newest one first");
  c.add_flag("-q,--quiet", o->quiet, "List only operators with failed or refused tests");
  c.add_option("--junit", o->junit, "Also write a JUnit report").type_name("FILE");
  c.footer("Example: onnxopt conformance onnx/backend/test/data/node --quiet --junit report.xml");
  c.on_chosen([o, &chosen] { chosen = [o](const Invocation& invocation) { return run(*o, invocation); }; });
}

}  // namespace onnxopt
