#include "ir/core/sparse.h"

#include <algorithm>

#include "ir/core/graph.h"

namespace onnxopt {

Tensor dense_tensor(const SparseTensor& s, std::int64_t most_bytes) {
  const DType t = s.values.dtype();
  if (bit_width(t) < 8 || !s.indices || s.indices.dtype() != DType::int64) return {};
  const std::size_t width = bit_width(t) / 8;
  std::int64_t bytes = static_cast<std::int64_t>(width);
  for (const std::int64_t d : s.dims) {
    if (d < 0 || (d > 0 && bytes > most_bytes / d)) return {};
    bytes *= d;
  }
  std::vector<std::byte> out(static_cast<std::size_t>(bytes));
  const auto indices = s.indices.data<std::int64_t>();
  const std::size_t count = static_cast<std::size_t>(s.values.size()), columns = s.indices.rank() == 2 ? s.dims.size() : 1;
  if (indices.size() != count * columns) return {};
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t at = 0;
    for (std::size_t k = 0; k < columns; ++k) {
      const std::int64_t index = indices[i * columns + k], end = s.indices.rank() == 2 ? s.dims[k] : static_cast<std::int64_t>(out.size() / width);
      if (index < 0 || index >= end) return {};
      at = (s.indices.rank() == 2 ? at * s.dims[k] : 0) + index;
    }
    if (static_cast<std::size_t>(at) >= out.size() / width) return {};
    std::copy_n(s.values.bytes().data() + i * width, width, out.data() + static_cast<std::size_t>(at) * width);
  }
  return Tensor::from_bytes(t, s.dims, std::move(out));
}

bool is_sparse_constant(const Value& v) {
  const Node* n = v.producer();
  return n && n->is("Constant") && (n->attrs().get<SparseTensor>("sparse_value") || n->attrs().get<SparseTensor>("value"));
}

}  // namespace onnxopt
