#include "cli/commands/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands/optimize.h"
#include "cli/commands/verified_save.h"
#include "cli/commands/version.h"
#include "ir/core/error.h"

namespace onnxopt {
namespace {

constexpr const char* kAbout =
    "onnxopt turns an ONNX model into a better ONNX model and proves it.\n\n"
    "  onnxopt optimize model.onnx -o better.onnx     simplify, fold, fuse; check the result against the original\n"
    "  onnxopt inspect model.onnx                     inputs, outputs, operators, size, cost\n\n"
    "Exit codes: 0 fine, 1 a check failed, 2 wrong usage, 3 bad or unsupported input, 4 internal error.";

void append_option(std::vector<std::string>& args, const std::string& key, const nlohmann::json& value) {
  const std::string flag = (key.size() == 1 ? "-" : "--") + key;
  if (value.is_boolean()) {
    if (value.get<bool>()) args.push_back(flag);
  } else if (value.is_array()) {
    for (const auto& v : value) append_option(args, key, v);
  } else {
    args.push_back(flag);
    args.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  }
}

// --config FILE.json: an object of long option names; its options come before those of the command line.
std::vector<std::string> expand_config(int argc, char** argv) {
  std::vector<std::string> args;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (a == "--external-data") {  // its value is optional and joined with '=': a bare one must not swallow the next word
      args.push_back("--external-data=" + std::string(kBesideTheModel));
      continue;
    }
    const bool joined = a.rfind("--config=", 0) == 0;
    if (!joined && !(a == "--config" && i + 1 < argc)) {
      args.push_back(a);
      continue;
    }
    const std::string file = joined ? a.substr(9) : argv[++i];
    std::ifstream in(file);
    if (!in) throw Error(ExitCode::usage, fmt::format("--config: cannot read '{}'", file));
    const auto json = nlohmann::json::parse(in, nullptr, false);
    if (!json.is_object()) throw Error(ExitCode::usage, fmt::format("--config: '{}' is not a JSON object of options", file));
    for (const auto& [key, value] : json.items()) append_option(args, key, value);
  }
  return args;
}

// One line in our form of what CLI11 found wrong.
Error usage_error(const CLI::App& app, const CLI::ParseError& e, const std::string& first_argument) {
  const auto commands = app.get_subcommands();
  if (!commands.empty()) return {ExitCode::usage, fmt::format("{0}: {1}; see onnxopt {0} --help", commands.front()->get_name(), e.what())};
  const bool is_name = !first_argument.empty() && first_argument.front() != '-';
  return {ExitCode::usage,
          is_name ? fmt::format("'{}' is no command; see onnxopt --help", first_argument) : fmt::format("{}; see onnxopt --help", e.what())};
}

int parse_and_run(int argc, char** argv) {
  CLI::App app{kAbout};
  app.name("onnxopt");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);
  app.get_formatter()->column_width(38);
  Action chosen;
  setup_optimize(app, chosen);
  setup_convert(app, chosen);
  setup_lower(app, chosen);
  setup_inspect(app, chosen);
  setup_print(app, chosen);
  setup_check(app, chosen);
  setup_diff(app, chosen);
  setup_compare(app, chosen);
  setup_run(app, chosen);
  setup_passes(app, chosen);
  setup_bisect(app, chosen);
  setup_reduce(app, chosen);
  setup_conformance(app, chosen);
  std::vector<std::string> args = expand_config(argc, argv);
  const std::string first = args.empty() ? "" : args.front();
  std::reverse(args.begin(), args.end());  // CLI11 takes them in reverse
  try {
    app.parse(args);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    throw usage_error(app, e, first);
  }
  return chosen();
}

}  // namespace

int leave(ExitCode code) {
#ifndef __SANITIZE_ADDRESS__
  std::cout.flush();
  if (std::fflush(nullptr) == 0) std::_Exit(static_cast<int>(code));
#endif
  return static_cast<int>(code);
}

int guarded(const std::function<int()>& body) {
  try {
    return body();
  } catch (const Error& e) {
    fmt::print(stderr, "onnxopt: {}\n", e.what());
    return static_cast<int>(e.code());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "onnxopt: out of memory\n");
    return static_cast<int>(ExitCode::bad_input);
  } catch (const std::filesystem::filesystem_error& e) {
    fmt::print(stderr, "onnxopt: {}\n", e.what());
    return static_cast<int>(ExitCode::bad_input);
  } catch (const std::exception& e) {
    fmt::print(stderr, "onnxopt: internal error: {}\n", e.what());
    return static_cast<int>(ExitCode::internal);
  }
}

int run_cli(int argc, char** argv) {
  return guarded([&] { return parse_and_run(argc, argv); });
}

}  // namespace onnxopt
