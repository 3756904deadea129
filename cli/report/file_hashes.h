// What a report says of a model's files so that the run can be repeated: SHA-256 of the .onnx file, and which ranges of which external files it uses.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace onnxopt {

struct ExternalRange {
  std::string tensor;
  std::uint64_t offset = 0, length = 0;
};
struct ExternalFile {
  std::string file;
  std::uint64_t bytes = 0;
  std::string sha256;  // only with --hash-data
  std::vector<ExternalRange> ranges;
};
struct FileHashes {
  std::string file, sha256;
  std::uint64_t bytes = 0;
  std::vector<ExternalFile> external;
};

std::string file_sha256(const std::filesystem::path& file);
// `hash_data`: the external files too, which may take as long as reading them all.
FileHashes hash_files(const std::filesystem::path& model, bool hash_data);
nlohmann::json hashes_json(const FileHashes& h);
nlohmann::json hashes_json(const std::filesystem::path& model);  // of a command that only reads

}  // namespace onnxopt
