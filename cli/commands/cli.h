// The command line: one file a subcommand, each with a setup function that adds it to the parser.
#pragma once

#include <functional>

#include "cli/commands/command.h"
#include "cli/commands/invocation.h"
#include "ir/core/error.h"

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

void setup_optimize(Command app, Action& chosen);
void setup_convert(Command app, Action& chosen);
void setup_lower(Command app, Action& chosen);
void setup_inspect(Command app, Action& chosen);
void setup_print(Command app, Action& chosen);
void setup_check(Command app, Action& chosen);
void setup_diff(Command app, Action& chosen);
void setup_passes(Command app, Action& chosen);
void setup_run(Command app, Action& chosen);
void setup_compare(Command app, Action& chosen);
void setup_bisect(Command app, Action& chosen);
void setup_reduce(Command app, Action& chosen);
void setup_conformance(Command app, Action& chosen);

}  // namespace onnxopt
