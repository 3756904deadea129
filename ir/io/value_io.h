// Test data files (.pb): TensorProto, SparseTensorProto, SequenceProto, MapProto and OptionalProto (onnx-data.proto) to and from values. Such a file
// does not say which of them it is; the type of the graph input or output that it belongs to does.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ir/core/tensor.h"
#include "ir/core/type.h"

namespace onnxopt {

// A value of any ONNX type as a file holds it.
struct FileValue {
  enum class Kind : std::uint8_t { none, tensor, sparse_tensor, sequence, map };  // none: an optional without value
  Kind kind = Kind::none;
  std::string name;
  Tensor tensor;
  std::shared_ptr<const SparseTensor> sparse;
  std::vector<FileValue> elements;  // of a sequence; values of a map
  // SequenceProto.DataType of the elements, kept for empty ones: 1 tensor, 2 sparse tensor, 3 sequence, 4 map, 5 optional; 0 unknown.
  int element_kind = 0;
  DType key = DType::int64;            // of a map
  std::vector<std::int64_t> int_keys;  // one of these, as many as elements
  std::vector<std::string> string_keys;
};

// `type`: kind optional, sequence, map, sparse_tensor, or anything else for a tensor. Throws Error(bad_input). External data is not allowed here.
FileValue read_value(const std::filesystem::path& file, const Type& type);
FileValue read_value(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const Type& type);
// The message that read_value(.., type) reads.
std::string serialize_value(const FileValue& value, const Type& type);
void write_value(const FileValue& value, const Type& type, const std::filesystem::path& file);

}  // namespace onnxopt
