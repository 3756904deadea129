#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/commands/optimize.h"
#include "cli/commands/reduce.h"
#include "cli/commands/scratch_folder.h"
#include "cli/commands/user_command.h"
#include "cli/commands/verified_save.h"
#include "cli/report/file_hashes.h"
#include "cli/report/progress.h"
#include "ir/core/check.h"
#include "ir/io/write_file.h"
#include "ir/ops/infer.h"
#include "ir/text/read_file.h"
#include "ir/text/text.h"

namespace onnxopt {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Options {
  OptimizeOptions optimize;  // input, output, and what the built-in checks run
  std::string check = "optimize", command;
  double budget_s = 300;
};

// A reproducer says in its `# RUN` comment which passes failed.
std::string passes_of_reproducer(const std::string& text) {
  const auto at = text.find("# RUN:"), option = text.find("--passes=", at);
  if (at == std::string::npos || option == std::string::npos || option > text.find('\n', at)) return {};
  const auto first = option + 9;
  return text.substr(first, text.find_first_of(" \n", first) - first);
}

// The search for a smaller model. The best so far is a file; every step reads it again, changes it, and keeps the change if the check still fails.
class Reducer {
 public:
  Reducer(Options o, Progress& progress) : o_(std::move(o)), progress_(progress) {
    if (is_text_file(o_.optimize.input)) {
      const std::string text = read_text(o_.optimize.input);
      if (!o_.optimize.passes)
        if (const std::string passes = passes_of_reproducer(text); !passes.empty()) o_.optimize.passes = passes;
      ParseOptions parse;
      parse.file = o_.optimize.input;
      write_model(*parse_model(text, parse), best_);
    } else {
      write_model(*read_raw(o_.optimize.input, o_.optimize.model), best_);
    }
  }
  Reducer(const Reducer&) = delete;
  Reducer& operator=(const Reducer&) = delete;

  void run() {
    why_ = failure(best_);
    nodes_before_ = nodes_ = read()->graph().node_count();
    if (why_.empty()) throw Error(ExitCode::gate_failed, fmt::format("{}: the check ({}) finds nothing wrong with it", o_.optimize.input, o_.check));
    for (std::size_t before = nodes_ + 1; nodes_ < before;) {  // fewer outputs may make fewer nodes possible
      before = nodes_;
      shrink([](Model& m) { return m.graph().outputs().size(); }, [](Model& m, const auto& keep) { return keep_outputs(m, keep), true; });
      shrink([](Model& m) { return m.graph().node_count(); }, [](Model& m, const auto& keep) { return keep_nodes(m, keep); });
    }
    shrink([](Model& m) { return m.graph().constants().size(); }, [](Model& m, const auto& keep) {  // constants that may as well be inputs
      std::vector<bool> kept(m.graph().constants().size());
      for (std::size_t i : keep) kept[i] = true;
      std::vector<std::size_t> others;
      for (std::size_t i = 0; i < kept.size(); ++i)
        if (!kept[i]) others.push_back(i);
      constants_to_inputs(m, others);
      return true;
    });
    write();
  }
  void report(const Invocation& invocation) const {
    std::FILE* const out = report_file(o_.optimize);
    if (invocation.json)
      print_json(invocation,
                 {{"input", o_.optimize.input},
                  {"output", o_.optimize.output},
                  {"files", {{"input", hashes_json(o_.optimize.input)}}},
                  {"nodes_before", nodes_before_},
                  {"nodes_after", nodes_},
                  {"tests", tests_},
                  {"complete", !late()},
                  {"failure", why_}},
                 out);
    else
      fmt::print(out, "{} -> {}\nnodes  {} -> {}\ntests  {}{}\nfails  {}\n", o_.optimize.input, o_.optimize.output, nodes_before_, nodes_, tests_,
                 late() ? " (the time budget ended the search; --budget S allows more)" : "", why_);
  }

 private:
  bool late() const { return std::chrono::duration<double>(Clock::now() - start_).count() > o_.budget_s; }

  std::unique_ptr<Model> read() const {
    auto m = read_model(best_);
    infer(*m, {.strict = false});
    return m;
  }

  // Keeps as few of the `count` things as the check needs to fail.
  void shrink(const std::function<std::size_t(Model&)>& count, const std::function<bool(Model&, const std::vector<std::size_t>&)>& keep) {
    const std::size_t n = count(*read());
    if (n == 0) return;
    const std::vector<std::size_t> kept = smallest_failing(n, [&](const std::vector<std::size_t>& part) {
      if (late()) return false;
      return attempt(part, keep, trial_);
    });
    if (kept.size() < n && attempt(kept, keep, trial_)) fs::rename(trial_, best_);
    nodes_ = read()->graph().node_count();
  }

  bool attempt(const std::vector<std::size_t>& part, const std::function<bool(Model&, const std::vector<std::size_t>&)>& keep, const fs::path& file) {
    progress_.stage(fmt::format("{} nodes left, test {}", nodes_, tests_ + 1));
    try {
      const auto m = read();
      if (!keep(*m, part)) return false;
      write_model(*m, file);
    } catch (const Error&) {
      return false;  // not a model any more
    }
    ++tests_;
    return !failure(file).empty();
  }

  // What is wrong with the model by the check; "": nothing.
  std::string failure(const fs::path& file) {
    if (o_.check == "command") {
      const int status = run_user_command(o_.command, file);
      if (wanted_status_ == 0) wanted_status_ = status;
      return status != 0 && status == wanted_status_ ? fmt::format("the command ends with status {}", status) : "";
    }
    OptimizeOptions o = o_.optimize;
    o.input = file.string();
    o.output = optimized_.string();
    o.verify = false;
    o.quiet = true;
    try {
      optimize(o);
      if (o_.check == "optimize") return {};
      const auto a = load(file), b = load(o.output);
      VerifyOptions v;
      v.budget_s = o.verify_budget_s;
      const VerifyReport r = verify_models(*a, *b, v);
      return r.verdict == Verdict::differs ? r.reason : std::string();
    } catch (const InternalError& e) {
      return o_.check == "optimize" ? e.what() : std::string();
    } catch (const Error&) {
      return {};  // refused: not the fault that is looked for
    }
  }

  void write() {
    const fs::path out = o_.optimize.output;
    const auto m = read_model(best_);
    why_ = failure(best_);
    if (is_text_file(out)) write_file(out, print_model(*m, {.full = true}) + "\n");
    else write_model(*m, out);
  }

  Options o_;
  Progress& progress_;
  ScratchFolder scratch_{"reduce"};
  const fs::path best_ = scratch_.model("best.onnx"), trial_ = scratch_.model("trial.onnx"), optimized_ = scratch_.model("optimized.onnx");
  std::size_t nodes_before_ = 0, nodes_ = 0, tests_ = 0;
  int wanted_status_ = 0;
  std::string why_;
  Clock::time_point start_ = Clock::now();
};

int run(Options o, const Invocation& invocation) {
  if ((o.check == "command") != !o.command.empty()) {
    if (o.command.empty()) throw Error(ExitCode::usage, "reduce: --check command needs --command CMD");
    o.check = "command";
  }
  if (same_file(o.optimize.input, o.optimize.output))
    throw Error(ExitCode::usage, fmt::format("'{}' is both input and output; name another output", o.optimize.input));
  check_target(o.optimize.output);  // a search of minutes must not end at a folder that is not there
  Progress progress(true);
  Reducer reducer(std::move(o), progress);
  reducer.run();
  reducer.report(invocation);
  return static_cast<int>(ExitCode::ok);
}

}  // namespace

void setup_reduce(Command app, Action& chosen) {
  auto o = std::make_shared<Options>();
  Command c = app.add_subcommand("reduce", "Make a model that fails as small as it can be while it still fails");
  c.add_option("model", o->optimize.input, "The .onnx file that fails, or the .onnxtxt reproducer of an internal error").required();
  c.add_option("-o,--out", o->optimize.output, "The small model to write: .onnx, or .onnxtxt for text").type_name("FILE").required();
  c.add_option("--check", o->check,
               "What failing means. optimize: onnxopt optimize ends in an internal error; compare: its result differs; command: --command fails")
      .one_of({"optimize", "compare", "command"})
      .show_default();
  c.add_option(
      "--command", o->command,
      "A program that exits 0 if the model file given as its last argument is good; models that fail with the same status as the original are kept");
  c.add_option("--budget", o->budget_s, "Seconds that the search may take; the smallest model so far is written")
      .type_name("S")
      .check(not_seconds)
      .show_default();
  c.add_option("-O", o->optimize.level, "Optimization level of the built-in checks").range(1, 3).show_default();
  c.add_option("--passes", o->optimize.passes, "Pipeline of the built-in checks (default: that of a reproducer, else of the level)");
  c.add_option("--disable", o->optimize.disable, "Switch a rule or pass off (NAME or NAME@n for its n-th run)").type_name("NAME").one_value_each();
  c.add_option("--opset", o->optimize.opsets, "Opset of the built-in checks' output").type_name("N").one_value_each();
  add_load_options(c, o->optimize.model);
  c.footer("Example: onnxopt reduce model.onnx -o small.onnx --command ./my-runtime-loads-it.sh");
  c.on_chosen([o, &chosen] { chosen = [o](const Invocation& invocation) { return run(*o, invocation); }; });
}

}  // namespace onnxopt
