#include "ir/io/unfinished.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace onnxopt {
namespace {

// A signal handler gets no argument of ours and may not lock, so this is the one table of the process. What finds it full is left behind at a signal.
using Slots = std::array<std::atomic<char*>, 64>;
Slots& slots() {
  static Slots table{};
  return table;
}

void on_signal(int number) {
  for (auto slot = slots().rbegin(); slot != slots().rend(); ++slot)
    if (const char* file = slot->exchange(nullptr); file && ::unlink(file) != 0) ::rmdir(file);
  std::signal(number, SIG_DFL);
  std::raise(number);
}

}  // namespace

UnfinishedFile::UnfinishedFile(const std::filesystem::path& file) {
  char* name = ::strdup(std::filesystem::absolute(file).c_str());
  for (std::size_t i = 0; i < slots().size(); ++i) {
    char* none = nullptr;
    if (!slots()[i].compare_exchange_strong(none, name)) continue;
    slot_ = static_cast<int>(i);
    return;
  }
  std::free(name);
}

UnfinishedFile& UnfinishedFile::operator=(UnfinishedFile&& other) noexcept {
  if (this == &other) return *this;
  forget();
  slot_ = other.slot_;
  other.slot_ = -1;
  return *this;
}

void UnfinishedFile::forget() {
  if (slot_ >= 0) std::free(slots()[static_cast<std::size_t>(slot_)].exchange(nullptr));
  slot_ = -1;
}

void remove_unfinished_on_signals() {
  slots();  // made before a handler can run
  for (const int number : {SIGINT, SIGTERM, SIGHUP})
    if (std::signal(number, on_signal) == SIG_IGN) std::signal(number, SIG_IGN);  // nohup stays in force
  std::signal(SIGXFSZ, SIG_IGN);  // a file that gets too large for `ulimit -f` is a write that fails, and the error has its line
}

}  // namespace onnxopt
