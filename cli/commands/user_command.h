// The user's own test of a model: bisect and reduce ask it.
#pragma once

#include <filesystem>
#include <string>

namespace onnxopt {

// Runs `command` with the file as its last argument, its output thrown away; the status it ends with, 128 and more after a signal, as the shell
// counts. Throws Error(usage) where there is no such program. Signals end this program during the command too.
int run_user_command(const std::string& command, const std::filesystem::path& file);

}  // namespace onnxopt
