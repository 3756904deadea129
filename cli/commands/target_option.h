// --target NAME@VERSION: the runtime that shall load the output.
#pragma once

#include <string>

#include "cli/commands/command.h"
#include "cli/commands/invocation.h"
#include "passes/opset/opset.h"

namespace onnxopt {

void add_target_option(Command cmd, std::string& target);
bool lists_targets(const std::string& target);   // --target list
int list_targets(const Invocation& invocation);  // prints them; returns the exit code
void forget_generic(std::string& target);        // "generic" is what the standard allows: the same as no --target
// Lowers what is newer than the release knows; where the user asked for an opset that the release does not load, throws Error(usage).
void fit_to_target(OutputOpsets& to, const std::string& target, bool opset_given);
// Throws Error(bad_input) if the release does not read this IR version.
void check_ir_version(std::int64_t version, const std::string& target);
// Throws Error(bad_input) if the model has element types that the release does not load.
void check_element_types(Model& model, const std::string& target);

}  // namespace onnxopt
