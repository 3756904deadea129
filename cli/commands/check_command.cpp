#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/commands/model_options.h"
#include "cli/report/file_hashes.h"
#include "cli/report/format.h"
#include "cli/report/op_warnings.h"
#include "ir/core/check.h"
#include "ir/io/deviations.h"
#include "ir/io/mapped_file.h"
#include "ir/ops/infer.h"
#include "ir/text/read_file.h"
#include "passes/opset/type_findings.h"

namespace onnxopt {
namespace {

struct Options {
  std::vector<std::string> files;
  bool strict = false;
  ModelOptions model;
};

struct Checked {
  std::vector<Finding> findings;      // what the reader refuses, what the verifier finds, what inference contradicts
  std::vector<std::string> warnings;  // what onnx.checker refuses and runtimes read
};

Checked checked(const std::string& file, const ModelOptions& options) {
  Checked r;
  const auto raw = read_raw(file, options);
  if (!is_text_file(file)) r.warnings = deviations(file);
  for (std::string& w : op_warnings(*raw)) r.warnings.push_back(std::move(w));
  r.findings = check(*raw);
  if (!r.findings.empty()) return r;
  infer(*raw);  // throws where a node contradicts its inputs
  r.findings = check_types(*raw);
  if (!r.findings.empty()) return r;
  r.findings = check(*load_with_options(file, options));
  return r;
}

// A file that is not there, or that nobody can read, says nothing about a model. Empty where there are bytes to judge.
std::string unreadable(const std::string& file) {
  try {
    return MappedFile::open(file)->size() == 0 ? file + ": the file is empty" : std::string();
  } catch (const Error& e) {
    return e.what();
  }
}

std::string headline(const Checked& c, bool valid) {
  if (c.warnings.empty()) return valid ? "valid" : "INVALID";
  return fmt::format("{} with {} warning{}", valid ? "valid" : "INVALID", c.warnings.size(), c.warnings.size() == 1 ? "" : "s");
}

int run(const Options& o, const Invocation& invocation) {
  nlohmann::json all = nlohmann::json::array();
  int bad = 0;
  for (const std::string& file : o.files) {
    if (const std::string why = unreadable(file); !why.empty()) {
      complain(fmt::format("onnxopt: {}\n", printable(why)));
      all.push_back({{"model", file}, {"valid", nullptr}, {"error", why}});
      ++bad;
      continue;
    }
    Checked c;
    try {
      c = checked(file, o.model);
    } catch (const Error& e) {
      if (e.code() != ExitCode::bad_input) throw;
      c.findings.push_back({"", e.what()});  // says which file
    }
    const bool valid = c.findings.empty() && !(o.strict && !c.warnings.empty());
    bad += !valid;
    nlohmann::json list = nlohmann::json::array();
    for (const Finding& f : c.findings) list.push_back({{"where", f.where}, {"what", f.what}});
    all.push_back(
        {{"model", file}, {"sha256", invocation.json ? file_sha256(file) : ""}, {"valid", valid}, {"findings", list}, {"warnings", c.warnings}});
    if (invocation.json) continue;
    fmt::print("{}: {}\n", file, headline(c, valid));
    for (const Finding& f : c.findings) fmt::print("  {}{}{}\n", printable(f.where), f.where.empty() ? "" : ": ", printable(f.what));
    for (const std::string& w : c.warnings) fmt::print("  warning: {}\n", printable(w));
  }
  if (invocation.json) print_json(invocation, {{"models", all}, {"valid", bad == 0}});
  return static_cast<int>(bad == 0 ? ExitCode::ok : ExitCode::bad_input);
}

}  // namespace

void setup_check(Command app, Action& chosen) {
  auto o = std::make_shared<Options>();
  Command c = app.add_subcommand("check", "Say whether models are valid ONNX, and what is wrong where; exit 3 if one is not");
  c.add_option("models", o->files, "The .onnx files to read").required();
  c.add_flag("--strict", o->strict, "Warnings count too: what onnx.checker refuses though runtimes read it");
  add_load_options(c, o->model);
  c.footer("Example: onnxopt check models/*.onnx --json");
  c.on_chosen([o, &chosen] { chosen = [o](const Invocation& invocation) { return run(*o, invocation); }; });
}

}  // namespace onnxopt
