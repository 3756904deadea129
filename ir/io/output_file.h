// A file that appears under its name only when it is complete. Internal to ir/io.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "ir/io/unfinished.h"
#include "ir/io/wire_writer.h"

namespace onnxopt {

// Written without a name (O_TMPFILE), so that a crash or a signal leaves nothing behind; where the file system cannot do that, under a hidden
// temporary name in the same folder, removed by the destructor.
class OutputFile : public ByteSink {
 public:
  // Errors name `target`, the file that this will become.
  explicit OutputFile(const std::filesystem::path& target);
  ~OutputFile() override;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes) override;
  void write_mapped(std::string_view bytes) override;
  // Goes on at `offset`, which is not before the end; the gap reads as zeros.
  void skip_to(std::uint64_t offset);
  std::uint64_t size() const { return at_; }
  // The access rights of `file`, if it is there: of the older model whose weights go into another file now.
  void take_rights_of(const std::filesystem::path& file);
  // Gives the file the target's name; false if a file of that name exists. Until release() or the destructor it has a temporary name besides: by the
  // second link others see that it may still be taken away.
  bool publish_new();
  void release();
  // Gives it a temporary name, so that it can be read back; then the target's name, replacing what has it, whose access rights it takes over.
  std::filesystem::path publish_temporary();
  void replace_target();

 private:
  [[noreturn]] void fail(const char* doing) const;
  bool link_as(const std::filesystem::path& name) const;
  std::filesystem::path temporary_name();

  std::filesystem::path target_, temporary_;
  UnfinishedFile unfinished_;  // the temporary name
  int fd_ = -1;
  bool unnamed_ = false;
  std::uint64_t at_ = 0;
  unsigned attempts_ = 0;
};

// A target for which is_stream_target() holds: bytes go straight into it.
class StreamFile : public ByteSink {
 public:
  explicit StreamFile(const std::filesystem::path& target);
  ~StreamFile() override;
  StreamFile(const StreamFile&) = delete;
  StreamFile& operator=(const StreamFile&) = delete;
  void write(std::string_view bytes) override;

 private:
  std::filesystem::path target_;
  int fd_;
};

}  // namespace onnxopt
