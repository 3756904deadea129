// Elements as opaque fixed-size codes, for kernels that move data of any type and never look at it. Sub-byte elements become one byte each, strings
// become their 8-byte number in a pool; everything else is its own bytes.
#pragma once

#include <deque>
#include <type_traits>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {

class Codes {
 public:
  explicit Codes(DType t);
  std::size_t size() const { return size_; }  // bytes of one code: 1, 2, 4, 8 or 16
  const std::byte* add(const Tensor& t);      // codes of all elements; valid as long as this lives. CHECKs the dtype
  std::vector<std::byte> zero();              // the code of 0, false or ""
  std::byte* make(Dims dims);                 // room for the result
  Tensor finish();                            // the result as a tensor

 private:
  DType dtype_;
  std::size_t size_;
  std::deque<std::vector<std::byte>> owned_;
  std::vector<Tensor> held_;
  std::vector<const std::string*> pool_;
  std::string empty_;
  Buffer out_;
};

// Calls f with the size as a compile-time constant, so that copying one code is one move.
template <class F>
void with_size(std::size_t size, F&& f) {
  switch (size) {
    case 1: return f(std::integral_constant<std::size_t, 1>());
    case 2: return f(std::integral_constant<std::size_t, 2>());
    case 4: return f(std::integral_constant<std::size_t, 4>());
    case 8: return f(std::integral_constant<std::size_t, 8>());
    default: return f(std::integral_constant<std::size_t, 16>());
  }
}

// Copies a strided box of codes into contiguous memory: element (i0, i1, ...) of `dims` is in[sum of i_d * stride_d], strides in codes.
void copy_strided(std::size_t size, const std::byte* in, std::byte* out, const Dims& dims, const Dims& strides);

}  // namespace onnxopt::ref
