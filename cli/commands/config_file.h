// --config FILE.json: options of a command as an object of long option names.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace onnxopt {

bool is_flag(const CLI::Option& option);  // takes no value

// --config, and --json where the command has none of its own: every command takes them.
void add_common_options(CLI::App& app);

// The arguments after the program's name, with the options of the files put behind the command. What the command line says itself holds, and a
// later file replaces what an earlier one says. Throws Error(usage) for a file that is no such object, and for what is no option of the command.
std::vector<std::string> arguments_with_config(const CLI::App& app, int argc, char** argv);

}  // namespace onnxopt
