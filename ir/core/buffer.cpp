#include "ir/core/buffer.h"

#include <fmt/ranges.h>

#include <new>

#include "ir/core/error.h"

namespace onnxopt {

Buffer::Buffer(DType t, Dims dims) : dtype_(t), dims_(std::move(dims)) {
  constexpr std::align_val_t kAlign{64};
  size_ = element_count(dims_);
  byte_size_ = raw_byte_size(t, dims_);
  if (byte_size_ > std::size_t{1} << 42) bad_input(fmt::format("a tensor of {} ({}) is too large", fmt::join(dims_, "x"), dtype_name(t)));
  auto* p = static_cast<std::byte*>(::operator new[](byte_size_ + 1, kAlign));
  bytes_ = std::shared_ptr<std::byte>(p, [](std::byte* q) { ::operator delete[](q, std::align_val_t{64}); });
  if (is_sub_byte(t)) zero();
}

Tensor Buffer::tensor() && {
  std::byte* p = bytes_.get();
  return Tensor::from_view(dtype_, std::move(dims_), {p, byte_size_}, std::move(bytes_));
}

}  // namespace onnxopt
