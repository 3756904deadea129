// Files that must not be left behind when a signal ends the program: temporary names, and data whose model is not in place yet.
#pragma once

#include <filesystem>

namespace onnxopt {

// While it lives, SIGINT, SIGTERM and SIGHUP remove the file, or the folder if it is empty by then (later ones go first).
class UnfinishedFile {
 public:
  UnfinishedFile() = default;
  explicit UnfinishedFile(const std::filesystem::path& file);
  ~UnfinishedFile() { forget(); }
  UnfinishedFile(UnfinishedFile&& other) noexcept : slot_(other.slot_) { other.slot_ = -1; }
  UnfinishedFile& operator=(UnfinishedFile&& other) noexcept;
  void forget();

 private:
  int slot_ = -1;
};

// Call once, in main: a library does not touch signals.
void remove_unfinished_on_signals();

}  // namespace onnxopt
