#include "ir/io/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ir/core/prefault.h"
#include "ir/io/mapped_file.h"
#include "ir/io/stream_target.h"

namespace onnxopt {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kReleaseStep = std::size_t{8} << 20;
// One write() call fills at most this much, up to a multiple of it in the file. Longer calls make the kernel look for larger pages than it has at
// hand: in virtual machines, whose host takes back free memory in large blocks, that took five times as long.
constexpr std::size_t kWriteStep = std::size_t{64} << 10;
constexpr mode_t kMode = 0666;  // less the umask
constexpr mode_t kRights = 0777;
constexpr unsigned kMostAttempts = 1000;

fs::path folder_of(const fs::path& target) { return target.has_parent_path() ? target.parent_path() : fs::path("."); }

// `at`: where the file stands. False with errno on failure.
bool write_all(int fd, std::string_view bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), kWriteStep - at % kWriteStep));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return true;
}

// A name to which 55 bytes may be added: file systems take 255.
std::string shortened(std::string name) {
  constexpr std::size_t kMost = 200;
  if (name.size() <= kMost) return name;
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;  // not within a character
  name.resize(end);
  return name;
}

[[noreturn]] void cannot_write(const fs::path& target, const char* doing) {
  bad_input(fmt::format("cannot write {}: {}: {}", target.string(), doing, std::strerror(errno)));
}

int open_for_stream(const fs::path& target) {
  const int named = descriptor_named(target);
  return named >= 0 ? ::fcntl(named, F_DUPFD_CLOEXEC, 0) : ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
}

}  // namespace

void OutputFile::fail(const char* doing) const { cannot_write(target_, doing); }

fs::path OutputFile::temporary_name() {
  return folder_of(target_) / fmt::format(".{}.{}-{}.tmp", shortened(target_.filename().string()), ::getpid(), attempts_++);
}

OutputFile::OutputFile(const fs::path& target) : target_(target) {
  fd_ = ::open(folder_of(target).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
  unnamed_ = fd_ >= 0;
  // Kernels and file systems without O_TMPFILE answer with one of several codes; a real problem shows again here.
  while (fd_ < 0 && attempts_ < kMostAttempts) {
    const fs::path name = temporary_name();
    unfinished_ = UnfinishedFile(name);
    fd_ = ::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kMode);
    if (fd_ >= 0) temporary_ = name;
    else if (errno != EEXIST) fail("creating a file in its folder");
  }
  if (fd_ < 0) fail("creating a file in its folder");
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  release();
}

void OutputFile::write(std::string_view bytes) {
  if (!write_all(fd_, bytes, at_)) fail("writing");
  at_ += bytes.size();
}

void OutputFile::write_mapped(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kReleaseStep);
    const std::span<const std::byte> pages(reinterpret_cast<const std::byte*>(part.data()), part.size());
    prefault_for_reading(pages);
    write(part);
    release_pages(pages);
    bytes.remove_prefix(part.size());
  }
}

void OutputFile::skip_to(std::uint64_t offset) {
  ONNXOPT_CHECK(offset >= at_, "an output file is written forwards only");
  if (offset == at_) return;
  if (::ftruncate(fd_, static_cast<off_t>(offset)) != 0 || ::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0) fail("extending");
  at_ = offset;
}

bool OutputFile::link_as(const fs::path& name) const {
  if (unnamed_) {
    const std::string self = fmt::format("/proc/self/fd/{}", fd_);
    return ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
  }
  return ::link(temporary_.c_str(), name.c_str()) == 0;
}

bool OutputFile::publish_new() {
  publish_temporary();
  if (::link(temporary_.c_str(), target_.c_str()) == 0) return true;
  if (errno != EEXIST) fail("naming it");
  release();
  return false;
}

void OutputFile::release() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

fs::path OutputFile::publish_temporary() {
  while (temporary_.empty() && attempts_ < kMostAttempts) {
    const fs::path name = temporary_name();
    unfinished_ = UnfinishedFile(name);
    if (link_as(name)) temporary_ = name;
    else if (errno != EEXIST) fail("naming it");
  }
  if (temporary_.empty()) fail("naming it");
  return temporary_;
}

void OutputFile::take_rights_of(const fs::path& file) {
  struct stat there;
  if (::lstat(file.c_str(), &there) == 0 && S_ISREG(there.st_mode) && ::fchmod(fd_, there.st_mode & kRights) != 0)
    fail("giving it the rights of the file that it replaces");
}

void OutputFile::replace_target() {
  take_rights_of(target_);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("renaming the finished file");
  temporary_.clear();
}

StreamFile::StreamFile(const fs::path& target) : target_(target), fd_(open_for_stream(target)) {
  if (fd_ < 0) cannot_write(target, "opening it");
}
StreamFile::~StreamFile() { ::close(fd_); }
void StreamFile::write(std::string_view bytes) {
  if (!write_all(fd_, bytes, 0)) cannot_write(target_, "writing");
}

}  // namespace onnxopt
