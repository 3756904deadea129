// A folder for the files that a search tries, in the system's temporary folder; gone with all that is in it at the end, on a signal too.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ir/io/unfinished.h"

namespace onnxopt {

class ScratchFolder {
 public:
  // `purpose` is part of its name. Throws Error(bad_input) where it cannot be made.
  explicit ScratchFolder(const std::string& purpose);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  // The path of a file in it, which need not exist yet; a model's external data beside it is known of too.
  std::filesystem::path model(const std::string& name);

 private:
  std::filesystem::path path_;
  std::vector<UnfinishedFile> unfinished_;
};

}  // namespace onnxopt
