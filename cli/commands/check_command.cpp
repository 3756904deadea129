#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/commands/model_options.h"
#include "ir/core/check.h"
#include "ir/ops/infer.h"

namespace onnxopt {
namespace {

struct Options {
  std::vector<std::string> files;
  ModelOptions model;
};

// Findings of one file: what the reader refuses, what the verifier finds, what inference contradicts.
std::vector<Finding> findings_of(const std::string& file, const ModelOptions& options) {
  const auto raw = read_raw(file, options);
  std::vector<Finding> found = check(*raw);
  if (!found.empty()) return found;
  infer(*raw);  // throws where a node contradicts its inputs
  const auto lifted = load_with_options(file, options);
  return check(*lifted);
}

int run(const Options& o, const Invocation& invocation) {
  nlohmann::json all = nlohmann::json::array();
  int bad = 0;
  for (const std::string& file : o.files) {
    std::vector<Finding> found;
    try {
      found = findings_of(file, o.model);
    } catch (const Error& e) {
      if (e.code() != ExitCode::bad_input) throw;
      found.push_back({"", e.what()});  // says which file
    }
    bad += !found.empty();
    nlohmann::json list = nlohmann::json::array();
    for (const Finding& f : found) list.push_back({{"where", f.where}, {"what", f.what}});
    all.push_back({{"model", file}, {"valid", found.empty()}, {"findings", list}});
    if (invocation.json) continue;
    fmt::print("{}: {}\n", file, found.empty() ? "valid" : "INVALID");
    for (const Finding& f : found) fmt::print("  {}{}{}\n", f.where, f.where.empty() ? "" : ": ", f.what);
  }
  if (invocation.json) print_json(invocation, std::move(all));
  return static_cast<int>(bad == 0 ? ExitCode::ok : ExitCode::bad_input);
}

}  // namespace

void setup_check(CLI::App& app, Action& chosen) {
  auto o = std::make_shared<Options>();
  CLI::App* c = app.add_subcommand("check", "Say whether models are valid ONNX, and what is wrong where; exit 3 if one is not");
  c->add_option("models", o->files, "The .onnx files to read")->required();
  add_load_options(*c, o->model);
  c->footer("Example: onnxopt check models/*.onnx --json");
  c->callback([o, &chosen] { chosen = [o](const Invocation& invocation) { return run(*o, invocation); }; });
}

}  // namespace onnxopt
