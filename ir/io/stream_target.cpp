#include "ir/io/stream_target.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

namespace onnxopt {
namespace fs = std::filesystem;
namespace {

constexpr int kMostLinks = 40;  // as many as the kernel follows

}  // namespace

int descriptor_named(const fs::path& file) {
  const fs::path own = fmt::format("/proc/{}/fd", ::getpid());
  fs::path at = file;
  for (int links = 0; links < kMostLinks; ++links) {
    std::error_code error;
    const fs::path folder = fs::canonical(at.has_parent_path() ? at.parent_path() : fs::path("."), error);
    if (error) return -1;
    if (folder == own) {
      const std::string name = at.filename().string();
      int number = -1;
      const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
      return bad == std::errc() && end == name.data() + name.size() ? number : -1;
    }
    const fs::path next = fs::read_symlink(at, error);
    if (error) return -1;  // no link
    at = folder / next;
  }
  return -1;
}

bool is_stream_target(const fs::path& file) {
  if (descriptor_named(file) >= 0) return true;
  std::error_code ignored;
  const fs::file_status there = fs::status(file, ignored);
  return fs::exists(there) && !fs::is_regular_file(there) && !fs::is_directory(there);
}

}  // namespace onnxopt
