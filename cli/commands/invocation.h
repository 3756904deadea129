// What was asked for: the command and its options, as every JSON report says it.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace CLI {
class App;
}

namespace onnxopt {

struct Invocation {
  std::string command;
  bool json = false;
  std::shared_ptr<const nlohmann::json> config;  // the options in force, in the form that --config reads; null before they are parsed
};

// The options of `command` that were given or have a default, without those that say what is read, where to write and how to report.
std::shared_ptr<const nlohmann::json> effective_config(const CLI::App& command);

// Prints a report as JSON on the standard output, with program, version, command and configuration in front. What is no object stays as it is.
void print_json(const Invocation& invocation, nlohmann::json report, std::FILE* out = stdout);

}  // namespace onnxopt
