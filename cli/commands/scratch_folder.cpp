#include "cli/commands/scratch_folder.h"

#include <fmt/format.h>
#include <stdlib.h>  // NOLINT: mkdtemp() is in no C++ header

#include <cerrno>
#include <cstring>

#include "ir/core/error.h"

namespace onnxopt {
namespace fs = std::filesystem;

ScratchFolder::ScratchFolder(const std::string& purpose) {
  std::error_code error;
  const fs::path folder = fs::temp_directory_path(error);
  if (error) bad_input(fmt::format("TMPDIR names no folder: {}", error.message()));
  std::string name = (folder / fmt::format("onnxopt-{}-XXXXXX", purpose)).string();
  if (!::mkdtemp(name.data()))
    bad_input(fmt::format("cannot make a folder in {}: {}; TMPDIR names another place", folder.string(), std::strerror(errno)));
  path_ = name;
  unfinished_.emplace_back(path_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path ScratchFolder::model(const std::string& name) {
  const fs::path file = path_ / name;
  unfinished_.emplace_back(file);
  unfinished_.emplace_back(file.string() + ".data");
  return file;
}

}  // namespace onnxopt
