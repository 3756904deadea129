#include "cli/report/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "cli/report/format.h"

namespace onnxopt {

Progress::Progress(bool enabled) {
  if (enabled && isatty(STDERR_FILENO)) thread_ = std::thread([this] { tick(); });
}

Progress::~Progress() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (shown_) complain("\r\033[K");
}

void Progress::stage(std::string what) {
  const std::lock_guard lock(mutex_);
  what_ = std::move(what);
}

void Progress::tick() {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::milliseconds(250), [this] { return stop_; })) {
    const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (s < 1) continue;
    shown_ = true;
    complain(fmt::format("\r\033[K{} ... {:.0f} s", what_, s));
    std::fflush(stderr);
  }
}

}  // namespace onnxopt
