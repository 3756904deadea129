#include "ir/io/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ir/core/error.h"

namespace onnxopt {
namespace {

struct Descriptor {
  int fd;
  explicit Descriptor(int f) : fd(f) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  struct stat info;
  if (path == "-") throw Error(ExitCode::usage, "'-' is no input: say /dev/stdin for a redirected file, or ./- for a file of this name");
  if (::stat(path.c_str(), &info) != 0) bad_input(fmt::format("{}: {}", path.string(), errno == ENOENT ? "no such file" : std::strerror(errno)));
  // Checked before opening as well: opening a pipe would wait, opening a device may do something.
  if (S_ISDIR(info.st_mode)) bad_input(fmt::format("{}: is a folder, not a file", path.string()));
  if (S_ISFIFO(info.st_mode)) bad_input(fmt::format("{}: is a pipe, and files are mapped into memory; save it as a file first", path.string()));
  if (!S_ISREG(info.st_mode)) bad_input(fmt::format("{}: not a regular file", path.string()));
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) bad_input(fmt::format("{}: cannot be opened: {}", path.string(), std::strerror(errno)));
  if (::fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) bad_input(fmt::format("{}: not a regular file", path.string()));

  std::shared_ptr<MappedFile> r(new MappedFile());
  r->path_ = path;
  r->size_ = static_cast<std::size_t>(info.st_size);
  r->device_ = info.st_dev;
  r->inode_ = info.st_ino;
  r->links_ = info.st_nlink;
  if (r->size_ == 0) return r;
  void* p = ::mmap(nullptr, r->size_, PROT_READ, MAP_SHARED, file.fd, 0);
  if (p == MAP_FAILED) bad_input(fmt::format("{}: cannot be mapped into memory: {}", path.string(), std::strerror(errno)));
  // A look at a few bytes shall not map 2 MiB, as it does where the page cache holds the file in huge pages.
  ::madvise(p, r->size_, MADV_NOHUGEPAGE);
  r->data_ = static_cast<const std::byte*>(p);
  return r;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace onnxopt
