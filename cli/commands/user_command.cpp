#include "cli/commands/user_command.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>

#include "ir/core/error.h"

namespace onnxopt {
namespace {

constexpr int kSignalled = 128, kNotExecutable = 126, kNotFound = 127;  // as POSIX shells answer

// In single quotes a shell takes everything but the quote itself as it is.
std::string quoted(const std::string& text) {
  std::string r = "'";
  for (const char c : text) r += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return r + "'";
}

}  // namespace

int run_user_command(const std::string& command, const std::filesystem::path& file) {
  const int answer = std::system(fmt::format("{} {} > /dev/null 2>&1", command, quoted(file.string())).c_str());  // NOLINT: the user's own command
  if (answer == -1) throw Error(ExitCode::bad_input, fmt::format("--command {}: no process can be started", command));
  const int status = WIFEXITED(answer) ? WEXITSTATUS(answer) : kSignalled + WTERMSIG(answer);
  for (const int number : {SIGINT, SIGQUIT})  // system() keeps both from this program
    if (status == kSignalled + number) std::raise(number);
  if (status == kNotFound || status == kNotExecutable)
    throw Error(ExitCode::usage, fmt::format("--command {}: {}", command, status == kNotFound ? "there is no such program" : "it is not executable"));
  return status;
}

}  // namespace onnxopt
