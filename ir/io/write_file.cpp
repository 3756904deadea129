#include "ir/io/write_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ir/core/error.h"
#include "ir/io/output_file.h"
#include "ir/io/stream_target.h"

namespace onnxopt {
namespace fs = std::filesystem;

void check_target(const fs::path& file) {
  if (file == "-") throw Error(ExitCode::usage, "'-' is no output: say /dev/stdout for the standard output, or ./- for a file of this name");
  std::error_code error;
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, error)) bad_input(fmt::format("cannot write {}: folder {} does not exist", file.string(), folder.string()));
  if (!is_stream_target(file) && ::access(folder.c_str(), W_OK | X_OK) != 0)
    bad_input(fmt::format("cannot write {}: its folder: {}", file.string(), std::strerror(errno)));
  if (fs::is_directory(file, error)) bad_input(fmt::format("cannot write {}: it is a folder", file.string()));
  if (!file.has_filename()) bad_input("the output has no file name");
  struct stat info;
  if (::lstat(file.c_str(), &info) != 0 && errno == ENAMETOOLONG) bad_input(fmt::format("cannot write {}: {}", file.string(), std::strerror(errno)));
  if (fs::is_regular_file(fs::symlink_status(file, error)) && ::access(file.c_str(), W_OK) != 0)  // a rename would not mind, its owner does
    bad_input(fmt::format("cannot write {}: {}", file.string(), std::strerror(errno)));
}

void write_file(const fs::path& file, std::string_view bytes) {
  check_target(file);
  if (is_stream_target(file)) return StreamFile(file).write(bytes);
  OutputFile out(file);
  out.write(bytes);
  out.publish_temporary();
  out.replace_target();
}

}  // namespace onnxopt
