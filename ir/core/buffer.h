// A tensor under construction: 64-byte aligned memory that is not initialised (sub-byte types: zero).
#pragma once

#include <cstring>
#include <memory>

#include "ir/core/tensor.h"

namespace onnxopt {

class Buffer {
 public:
  Buffer() = default;
  Buffer(DType t, Dims dims);  // throws Error for a size beyond 4 TiB
  DType dtype() const { return dtype_; }
  const Dims& dims() const { return dims_; }
  std::int64_t size() const { return size_; }  // elements
  std::byte* bytes() { return bytes_.get(); }
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(bytes_.get());
  }
  std::size_t byte_size() const { return byte_size_; }
  void zero() { std::memset(bytes_.get(), 0, byte_size_); }
  Tensor tensor() &&;

 private:
  DType dtype_ = DType::undefined;
  Dims dims_;
  std::int64_t size_ = 0;
  std::size_t byte_size_ = 0;
  std::shared_ptr<std::byte> bytes_;
};

}  // namespace onnxopt
