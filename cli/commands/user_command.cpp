#include "cli/commands/user_command.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

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

// Not std::system(): that keeps SIGINT from this program while the command runs. -1: it cannot be started.
pid_t start_shell(const std::string& line) {
  std::string shell = "sh", option = "-c", text = line;
  char* const arguments[] = {shell.data(), option.data(), text.data(), nullptr};
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, SIGXFSZ);  // which this program ignores
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &own);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child = -1;
  const int failure = posix_spawn(&child, "/bin/sh", nullptr, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  return failure == 0 ? child : -1;
}

int wait_for(pid_t child) {
  int status = -1;
  while (child > 0 && ::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return status;
}

}  // namespace

int run_user_command(const std::string& command, const std::filesystem::path& file) {
  const std::string line = fmt::format("{} {} > /dev/null 2>&1", command, quoted(file.string()));
  const int answer = wait_for(start_shell(line));
  if (answer == -1) bad_input(fmt::format("--command {}: no process can be started", command));
  const int status = WIFEXITED(answer) ? WEXITSTATUS(answer) : kSignalled + WTERMSIG(answer);
  if (status == kNotFound || status == kNotExecutable)
    throw Error(ExitCode::usage, fmt::format("--command {}: {}", command, status == kNotFound ? "there is no such program" : "it is not executable"));
  return status;
}

}  // namespace onnxopt
