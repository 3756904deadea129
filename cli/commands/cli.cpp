#include "cli/commands/cli.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/commands/config_file.h"
#include "cli/commands/help_format.h"
#include "cli/commands/verification_json.h"
#include "cli/commands/verified_save.h"
#include "cli/commands/version.h"
#include "cli/report/format.h"
#include "ir/core/error.h"
#include "ir/core/nearest.h"

namespace onnxopt {
namespace {

constexpr const char* kAbout =
    "onnxopt turns an ONNX model into a better ONNX model and proves it.\n\n"
    "  onnxopt optimize model.onnx -o better.onnx     simplify, fold, fuse; check the result against the original\n"
    "  onnxopt inspect model.onnx                     inputs, outputs, operators, size, cost\n"
    "  onnxopt COMMAND --help                         the options of a command\n\n"
    "Exit codes: 0 fine, 1 a check failed, 2 wrong usage, 3 bad or unsupported input, 4 internal error.";

// What CLI11 could not place: the first option it does not know, else the first word too many. CLI11 lists them in another order, options among
// values.
std::string unexpected(const CLI::App& command) {
  const std::vector<std::string> rest = command.remaining();
  if (rest.empty()) return {};
  const auto option = std::find_if(rest.begin(), rest.end(), [](const std::string& a) { return a.size() > 1 && a.front() == '-'; });
  if (option == rest.end()) {
    const bool writes = command.get_option_no_throw("--out") != nullptr;
    return fmt::format("'{}' is one argument too many{}", rest.back(), writes ? "; the output is named by -o FILE" : "");
  }
  std::vector<std::string> names;
  for (const CLI::Option* o : command.get_options())
    for (const std::string& n : o->get_lnames()) names.push_back("--" + n);
  const std::string name = option->substr(0, option->find('='));
  return fmt::format("there is no option '{}'{}", name, did_you_mean(name, names));
}

// One line in our form of what CLI11 found wrong.
Error usage_error(const CLI::App& app, const CLI::ParseError& e, const std::string& first_argument) {
  const auto with_help = [](const std::string& what, const std::string& command) {
    return Error(ExitCode::usage, fmt::format("{}{} onnxopt {}--help", what, what.ends_with('?') ? " See" : "; see", command));
  };
  if (const auto commands = app.get_subcommands(); !commands.empty()) {
    const std::string ours = dynamic_cast<const CLI::ExtrasError*>(&e) ? unexpected(*commands.front()) : std::string();
    const std::string name = commands.front()->get_name();
    return with_help(fmt::format("{}: {}", name, ours.empty() ? e.what() : ours), name + " ");
  }
  if (first_argument.empty() || first_argument.front() == '-') return with_help("say what to do", "");
  std::vector<std::string> names;
  for (const CLI::App* c : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(c->get_name());
  return with_help(fmt::format("'{}' is no command{}", first_argument, did_you_mean(first_argument, names)), "");
}

// Who asked for JSON gets JSON, also of what went wrong.
void print_json_error(const Invocation& invocation, const std::exception& e, ExitCode code) {
  if (!invocation.json) return;
  nlohmann::json j = {{"error", code == ExitCode::bad_input && dynamic_cast<const std::bad_alloc*>(&e) ? "out of memory" : e.what()},
                      {"exit_code", static_cast<int>(code)}};
  if (const auto* refused = dynamic_cast<const RefusedResult*>(&e)) j["verification"] = verification_json(refused->verification);
  print_json(invocation, std::move(j));
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
  complain("onnxopt: cannot write to the standard output\n");
  return code == 0 ? static_cast<int>(ExitCode::bad_input) : code;
}

int parse_and_run(int argc, char** argv, Invocation& invocation) {
  CLI::App app{kAbout};
  app.name("onnxopt");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);
  app.formatter(std::make_shared<HelpFormat>());
  app.get_formatter()->column_width(38);
  Action chosen;
  setup_optimize(Command(&app), chosen);
  setup_convert(Command(&app), chosen);
  setup_lower(Command(&app), chosen);
  setup_inspect(Command(&app), chosen);
  setup_print(Command(&app), chosen);
  setup_check(Command(&app), chosen);
  setup_diff(Command(&app), chosen);
  setup_compare(Command(&app), chosen);
  setup_run(Command(&app), chosen);
  setup_passes(Command(&app), chosen);
  setup_bisect(Command(&app), chosen);
  setup_reduce(Command(&app), chosen);
  setup_conformance(Command(&app), chosen);
  add_common_options(app);
  invocation.json = std::any_of(argv + 1, argv + argc, [](const char* a) { return std::string_view(a) == "--json"; });
  std::vector<std::string> args = arguments_with_config(app, argc, argv);
  if (!args.empty() && args.front() == "help")
    args = args.size() > 1 ? std::vector<std::string>{args[1], "--help"} : std::vector<std::string>{"--help"};
  if (args.size() == 1 && args.front() == "version") args = {"--version"};
  const std::string first = args.empty() ? "" : args.front();
  if (!first.starts_with('-')) invocation.command = first;
  invocation.json = std::find(args.begin(), args.end(), "--json") != args.end();
  std::reverse(args.begin(), args.end());  // CLI11 takes them in reverse
  try {
    app.parse(args);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    throw usage_error(app, e, first);
  }
  invocation.config = effective_config(*app.get_subcommands().front());
  return chosen(invocation);
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
    complain(fmt::format("onnxopt: {}\n", printable(what)));
    if (also) also(e, code);
    return static_cast<int>(code);
  };
  try {
    return body();
  } catch (const Error& e) {
    return report(e, e.code(), e.what());
  } catch (const std::bad_alloc& e) {
    return report(e, ExitCode::bad_input, "out of memory");
  } catch (const std::system_error& e) {                                         // a file, a thread, the standard output
    if (std::ferror(stdout) != 0) return static_cast<int>(ExitCode::bad_input);  // checked_output() says it
    return report(e, ExitCode::bad_input, e.what());
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
