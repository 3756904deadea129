#include "cli/commands/cli.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/commands/optimize.h"
#include "cli/commands/verification_json.h"
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
  std::vector<std::string> args, early;  // early: given before the command whose options they are
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (a == "--external-data") {  // its value is optional and joined with '=': a bare one must not swallow the next word
      args.push_back("--external-data=" + std::string(kBesideTheModel));
      continue;
    }
    const bool joined = a.rfind("--config=", 0) == 0;
    if (!joined && !(a == "--config" && i + 1 < argc)) {
      args.push_back(a);
      if (a.empty() || a[0] != '-') args.insert(args.end(), early.begin(), early.end());
      if (a.empty() || a[0] != '-') early.clear();
      continue;
    }
    const std::string file = joined ? a.substr(9) : argv[++i];
    std::ifstream in(file);
    if (!in) throw Error(ExitCode::usage, fmt::format("--config: cannot read '{}'", file));
    const auto json = nlohmann::json::parse(in, nullptr, false);
    if (!json.is_object()) throw Error(ExitCode::usage, fmt::format("--config: '{}' is not a JSON object of options", file));
    for (const auto& [key, value] : json.items()) append_option(args.empty() ? early : args, key, value);
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

struct Invocation {
  std::string command;
  bool json = false;
};

// Who asked for JSON gets JSON, also of what went wrong.
void print_json_error(const Invocation& invocation, const std::exception& e, ExitCode code) {
  if (!invocation.json) return;
  nlohmann::json j = {{"tool", "onnxopt"},
                      {"version", kVersion},
                      {"command", invocation.command},
                      {"error", code == ExitCode::bad_input && dynamic_cast<const std::bad_alloc*>(&e) ? "out of memory" : e.what()},
                      {"exit_code", static_cast<int>(code)}};
  if (const auto* refused = dynamic_cast<const RefusedResult*>(&e)) j["verification"] = verification_json(refused->verification);
  std::fputs((j.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n").c_str(), stdout);
}

// With one of them closed, the next file that is opened would get its number, and what is printed would go into that file.
void occupy_standard_files() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      const int got = ::open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);  // printing to a closed standard output stays an error
      if (got >= 0 && got != fd) ::close(got);
    }
}

// What was printed must have arrived.
int checked_output(int code) {
  std::cout.flush();
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout) return code;
  fmt::print(stderr, "onnxopt: cannot write to the standard output\n");
  return code == 0 ? static_cast<int>(ExitCode::bad_input) : code;
}

int parse_and_run(int argc, char** argv, Invocation& invocation) {
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
  invocation = {first, std::find(args.begin(), args.end(), "--json") != args.end()};
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
  if (std::fflush(nullptr) == 0 && std::ferror(stdout) == 0 && std::cout) std::_Exit(static_cast<int>(code));
#endif
  return static_cast<int>(code);
}

int guarded(const std::function<int()>& body, const std::function<void(const std::exception&, ExitCode)>& also) {
  const auto report = [&](const std::exception& e, ExitCode code, const char* what) {
    fmt::print(stderr, "onnxopt: {}\n", what);
    if (also) also(e, code);
    return static_cast<int>(code);
  };
  try {
    return body();
  } catch (const Error& e) {
    return report(e, e.code(), e.what());
  } catch (const std::bad_alloc& e) {
    return report(e, ExitCode::bad_input, "out of memory");
  } catch (const std::system_error& e) {                                          // a file, a thread, the standard output
    if (std::ferror(stdout) == 0) fmt::print(stderr, "onnxopt: {}\n", e.what());  // else checked_output() says it
    return static_cast<int>(ExitCode::bad_input);
  } catch (const std::exception& e) {
    return report(e, ExitCode::internal, fmt::format("internal error: {}", e.what()).c_str());
  }
}

int run_cli(int argc, char** argv) {
  occupy_standard_files();
  Invocation invocation;
  const int code = guarded([&] { return parse_and_run(argc, argv, invocation); },
                           [&](const std::exception& e, ExitCode exit_code) { print_json_error(invocation, e, exit_code); });
  return checked_output(code);
}

}  // namespace onnxopt
