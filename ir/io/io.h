// Reading and writing .onnx files as they are: no lifting, no inference. A wire scan over the mapped file leaves weights as views; a writer of
// our own streams them out again (onnx.proto, IR version 14; docs/IR.md, docs/ExternalData.md of the ONNX specification).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "ir/core/model.h"

namespace onnxopt {

struct ReadOptions {
  bool strict_links = false;      // refuse hard-linked external data too
  bool verify_checksums = false;  // compute the SHA-1 of external data files that state one
};
// Throws Error(bad_input): truncated or corrupt protobuf, cycles, duplicate names, missing values, bad external data, ... See DESIGN 6.
std::unique_ptr<Model> read_model(const std::filesystem::path& file, const ReadOptions& options = {});
std::unique_ptr<Model> read_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::filesystem::path& folder,
                                  const ReadOptions& options = {});
// Test data files (TensorProto, SequenceProto, OptionalProto, ...): see ir/io/value_io.h.

struct WriteOptions {
  // nullopt: one file unless it would exceed 2 GiB; "": external data beside it as FILE.data; else that file name (relative to the model's folder).
  std::optional<std::string> external_data;
  std::uint64_t external_threshold = 1024;  // tensors of at least so many bytes go out
  // Called with the complete temporary file (external data in place) before it takes its final name; if it throws, nothing is left behind.
  std::function<void(const std::filesystem::path&)> before_commit;
  bool inferred_types = false;  // --infer: value_info of inner values is what inference knows
};
struct WriteResult {
  std::uint64_t model_bytes = 0, external_bytes = 0;
  std::string external_file;     // relative to the model's folder; "": none
  bool external_reused = false;  // the file was there with exactly these bytes
};
// Writes to a temporary file in the target folder, reads its structure back, renames. The model is at the opsets it says it is at (model.opsets).
//
// External data goes to a name that no file has: FILE.data, else FILE.data.1, ... The .onnx is renamed last, so at every moment the name holds a
// whole model, old or new. A data file that already holds exactly the bytes to be written is used as it is, so repeating a run gives the same bytes
// under the same names. Data files of an older model are never removed: another model may use them.
// A link as target is replaced, not followed (a model cache links to shared files). A target such as /dev/null or a pipe is written to directly.
// Throws Error(bad_input) where the folder is missing or not writable, the disk is full, or the model does not fit into 2 GiB even with external
// data.
WriteResult write_model(const Model& model, const std::filesystem::path& file, const WriteOptions& options = {});
std::string serialize_model(const Model& model);  // one buffer; for tests and hashing of small models
// True if both paths name the same existing file, links followed: commands ask before they write over their input.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace onnxopt
