// Tensor: an immutable value over a shared payload (heap, a view into a mapped file, or strings). Copying a Tensor shares the payload;
// nothing here copies weights that nobody changes. Not for run-time values of the executor that are still being written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ir/core/dtype.h"
#include "ir/core/error.h"

namespace onnxopt {

using Dims = std::vector<std::int64_t>;
using StringPairs = std::vector<std::pair<std::string, std::string>>;

// Elements of `dims` (1 for rank 0). Throws Error(bad_input) on a negative dim or overflow.
std::int64_t element_count(const Dims& dims);
// Bytes of the ONNX raw_data encoding: sub-byte types packed, low bits first. Throws on overflow.
std::size_t raw_byte_size(DType t, const Dims& dims);

// C++ type <-> DType. float16 and friends have no C++ type here: use bytes() with ir/core/element.h.
template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::float32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::float64;
}
template <>
constexpr DType dtype_of<std::int8_t>() {
  return DType::int8;
}
template <>
constexpr DType dtype_of<std::int16_t>() {
  return DType::int16;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::int32;
}
template <>
constexpr DType dtype_of<std::int64_t>() {
  return DType::int64;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::uint8;
}
template <>
constexpr DType dtype_of<std::uint16_t>() {
  return DType::uint16;
}
template <>
constexpr DType dtype_of<std::uint32_t>() {
  return DType::uint32;
}
template <>
constexpr DType dtype_of<std::uint64_t>() {
  return DType::uint64;
}
template <>
constexpr DType dtype_of<bool>() {
  return DType::boolean;
}

// What a TensorProto carries besides its value; null in most tensors.
struct TensorNotes {
  std::string name;  // of the TensorProto inside an attribute (an initializer's name is its Value's)
  std::string doc_string;
  StringPairs metadata;
  std::string unknown;  // serialized fields that this version does not know
};

// A range of a file on disk that holds exactly the raw bytes, so that a writer can copy it without touching memory.
struct FileRange {
  std::shared_ptr<const void> file;  // an ir/io MappedFile; opaque here
  std::uint64_t offset = 0;
};

class Tensor {
 public:
  Tensor() = default;  // no payload: "no tensor"

  // Takes ownership of raw-encoded bytes; CHECKs their number.
  static Tensor from_bytes(DType t, Dims dims, std::vector<std::byte> bytes);
  // A view kept alive by `owner`; may be misaligned. CHECKs the size.
  static Tensor from_view(DType t, Dims dims, std::span<const std::byte> bytes, std::shared_ptr<const void> owner, FileRange range = {});
  static Tensor from_strings(Dims dims, std::vector<std::string> strings);
  static Tensor zeros(DType t, Dims dims);
  template <class T>
  static Tensor of(Dims dims, std::span<const T> values) {
    const auto* p = reinterpret_cast<const std::byte*>(values.data());
    return from_bytes(dtype_of<T>(), std::move(dims), std::vector<std::byte>(p, p + values.size_bytes()));
  }
  template <class T>
  static Tensor of(Dims dims, const std::vector<T>& values) {
    return of<T>(std::move(dims), std::span<const T>(values));
  }
  template <class T>
  static Tensor scalar(T value) {
    return of<T>({}, std::span<const T>(&value, 1));
  }
  // 1-D int64, the form of shapes, axes and pads.
  static Tensor int64s(const std::vector<std::int64_t>& values) { return of<std::int64_t>({static_cast<std::int64_t>(values.size())}, values); }

  explicit operator bool() const { return payload_ != nullptr; }
  DType dtype() const;
  const Dims& dims() const;
  std::int64_t rank() const { return static_cast<std::int64_t>(dims().size()); }
  std::int64_t size() const;                     // elements
  std::size_t byte_size() const;                 // raw-encoded; 0 for strings
  std::span<const std::byte> bytes() const;      // raw-encoded; may be misaligned for its type
  std::span<const std::string> strings() const;  // CHECKs dtype string
  const std::byte* aligned() const;              // 16-byte aligned copy or the bytes themselves if aligned; cached, thread-safe
  template <class T>
  std::span<const T> data() const {  // CHECKs that T is dtype()
    ONNXOPT_CHECK(dtype() == dtype_of<T>(), "tensor is " + std::string(dtype_name(dtype())));
    return {reinterpret_cast<const T*>(aligned()), static_cast<std::size_t>(size())};
  }
  const FileRange* file_range() const;  // null: not on disk
  const TensorNotes* notes() const;     // null: none
  // Same payload bytes under other dims (same element count) or with notes; cheap.
  Tensor reshaped(Dims dims) const;
  Tensor with_notes(TensorNotes notes) const;

  std::uint64_t content_hash() const;              // of dtype, dims and bytes; cached
  bool same_content(const Tensor& other) const;    // dtype, dims, bytes (bitwise) or strings
  bool shares_payload(const Tensor& other) const;  // same storage

 private:
  struct Payload;
  std::shared_ptr<const Payload> payload_;
};

// COO sparse tensor (SparseTensorProto): values [NNZ], indices [NNZ] linearized or [NNZ, rank].
struct SparseTensor {
  Tensor values, indices;
  Dims dims;
  std::string unknown;
};

}  // namespace onnxopt
