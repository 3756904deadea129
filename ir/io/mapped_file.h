// A file mapped read-only into memory, shared by all tensors that view it. No descriptor stays open, so thousands of weight files are fine.
// A file that another process truncates while we read it ends in SIGBUS, as for every program that maps files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "ir/core/pages.h"

namespace onnxopt {

class MappedFile {
 public:
  // Throws Error(bad_input): missing, unreadable, not a regular file.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }
  std::uint64_t device() const { return device_; }
  std::uint64_t inode() const { return inode_; }
  std::uint64_t hard_links() const { return links_; }

 private:
  MappedFile() = default;
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::uint64_t device_ = 0, inode_ = 0, links_ = 0;
};

}  // namespace onnxopt
