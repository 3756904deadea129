// The command line: one file a subcommand, each with a setup function that adds it to the parser.
#pragma once

#include <functional>

#include "cli/commands/invocation.h"
#include "ir/core/error.h"

namespace CLI {
class App;
}

namespace onnxopt {

// Returns the process exit code (DESIGN 6).
int run_cli(int argc, char** argv);
// Runs `body`; what escapes it becomes one line on stderr and the exit code.
// `also` sees it too, for those who asked for JSON.
int guarded(const std::function<int()>& body, const std::function<void(const std::exception&, ExitCode)>& also = {});

// What the chosen subcommand does; returns the exit code.
using Action = std::function<int(const Invocation&)>;

// Ends a command that is done: flushes what it printed and leaves the process without freeing a model of millions of nodes one by one. Under a
// sanitizer it only returns the code, so that leaks are seen.
int leave(ExitCode code);

void setup_optimize(CLI::App& app, Action& chosen);
void setup_convert(CLI::App& app, Action& chosen);
void setup_lower(CLI::App& app, Action& chosen);
void setup_inspect(CLI::App& app, Action& chosen);
void setup_print(CLI::App& app, Action& chosen);
void setup_check(CLI::App& app, Action& chosen);
void setup_diff(CLI::App& app, Action& chosen);
void setup_passes(CLI::App& app, Action& chosen);
void setup_run(CLI::App& app, Action& chosen);
void setup_compare(CLI::App& app, Action& chosen);
void setup_bisect(CLI::App& app, Action& chosen);
void setup_reduce(CLI::App& app, Action& chosen);
void setup_conformance(CLI::App& app, Action& chosen);

}  // namespace onnxopt
