// Finds and maps the files that hold external tensor data (docs/ExternalData.md of ONNX). A location must be a relative path without ".." that
// resolves, links followed, to a regular file inside the model's folder or inside the folder of the model's resolved path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ir/io/mapped_file.h"

namespace onnxopt {

class ExternalData {
 public:
  // `model_file` may be empty: then `folder` alone counts. Neither is looked at before the first tensor asks.
  ExternalData(std::filesystem::path folder, std::filesystem::path model_file, bool strict_links);
  // The mapped file behind `location`; one mapping a file. Throws Error(bad_input).
  const std::shared_ptr<const MappedFile>& open(std::string_view location);
  // SHA-1 of the whole file as 40 hex digits; computed once a file.
  const std::string& sha1(std::string_view location);

 private:
  struct Entry {
    std::shared_ptr<const MappedFile> file;
    std::string sha1;
  };
  Entry& entry(std::string_view location);
  std::filesystem::path resolve(std::string_view location) const;

  std::filesystem::path folder_, model_file_;
  bool strict_links_;
  std::map<std::string, std::shared_ptr<Entry>, std::less<>> by_location_;
  std::map<std::string, std::shared_ptr<Entry>, std::less<>> by_path_;
};

// The parsed external_data entries of one tensor.
struct ExternalRef {
  std::string location, checksum;
  std::uint64_t offset = 0, length = 0;
  bool has_length = false;
};
// Throws Error(bad_input) on a missing location and on numbers that are none.
ExternalRef parse_external_ref(const std::vector<std::pair<std::string, std::string>>& entries);

}  // namespace onnxopt
