#include "cli/commands/config_file.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/commands/output_options.h"
#include "ir/core/error.h"

namespace onnxopt {
namespace {

constexpr std::string_view kConfig = "--config";

nlohmann::json read_object(const std::string& file) {
  std::ifstream in(file);
  if (std::error_code ignored; !in || std::filesystem::is_directory(file, ignored))
    throw Error(ExitCode::usage, fmt::format("--config: cannot read '{}'", file));
  nlohmann::json j = nlohmann::json::parse(in, nullptr, false);
  if (!j.is_object()) throw Error(ExitCode::usage, fmt::format("--config: '{}' is not a JSON object of options", file));
  return j;
}

bool names(const std::string& argument, const CLI::Option& option) {
  if (argument.rfind("--", 0) == 0) return option.check_lname(argument.substr(2, argument.find('=') - 2));
  return argument.size() > 1 && argument[0] == '-' && option.check_sname(argument.substr(1, 1));
}

void append_option(std::vector<std::string>& args, const CLI::Option& option, const std::string& key, const nlohmann::json& value) {
  if (value.is_array()) {
    for (const auto& v : value) append_option(args, option, key, v);
    return;
  }
  if (value.is_null() || value.is_object()) throw Error(ExitCode::usage, fmt::format("--config: '{}': {} is no value", key, value.dump()));
  const bool is_long = key.size() > 1;
  const std::string name = (is_long ? "--" : "-") + key;
  if (is_flag(option)) {
    if (!value.is_boolean()) throw Error(ExitCode::usage, fmt::format("--config: '{}' takes true or false, not {}", key, value.dump()));
    if (value.get<bool>()) args.push_back(name);
    return;
  }
  if (key == "external-data" && value.is_boolean()) {
    if (value.get<bool>()) args.push_back(name);
    return;
  }
  args.push_back(name + (is_long ? "=" : "") + (value.is_string() ? value.get<std::string>() : value.dump()));
}

std::vector<std::string> options_of(const nlohmann::json& config, const CLI::App& command, const std::vector<std::string>& given) {
  std::vector<std::string> r;
  for (const auto& [key, value] : config.items()) {
    const CLI::Option* option = command.get_option_no_throw((key.size() > 1 ? "--" : "-") + key);
    if (!option || key.empty() || "--" + key == kConfig)
      throw Error(ExitCode::usage,
                  fmt::format("--config: '{}' is no option of {}; see onnxopt {} --help", key, command.get_name(), command.get_name()));
    if (std::none_of(given.begin(), given.end(), [&](const std::string& a) { return names(a, *option); })) append_option(r, *option, key, value);
  }
  return r;
}

}  // namespace

bool is_flag(const CLI::Option& option) { return option.get_expected_max() == 0; }

void add_common_options(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands({})) {
    const auto ignore = [](const auto&) {};  // arguments_with_config() has read it
    if (!command->get_option_no_throw("--json"))
      command->add_flag_callback(
          "--json", [] {}, "Print the result as JSON");
    command->add_option_function<std::string>(std::string(kConfig), ignore, "Options from a JSON object of long names; the command line wins")
        ->type_name("FILE");
  }
}

std::vector<std::string> arguments_with_config(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> args;
  nlohmann::json config = nlohmann::json::object();
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (a == kConfig && i + 1 < argc) config.update(read_object(argv[++i]));
    else if (a.rfind(fmt::format("{}=", kConfig), 0) == 0) config.update(read_object(a.substr(kConfig.size() + 1)));
    else args.push_back(a);
  }
  const auto command = std::find_if(args.begin(), args.end(), [](const std::string& a) { return a.empty() || a[0] != '-'; });
  const auto chosen = app.get_subcommands([&](const CLI::App* c) { return command != args.end() && c->get_name() == *command; });
  if (!chosen.empty()) {
    const std::vector<std::string> more = options_of(config, *chosen.front(), args);
    args.insert(command + 1, more.begin(), more.end());
  }
  for (std::string& a : args)  // its value is optional and joined with '=': a bare one must not swallow the next word
    if (a == "--external-data") a += fmt::format("={}", kBesideTheModel);
  return args;
}

}  // namespace onnxopt
