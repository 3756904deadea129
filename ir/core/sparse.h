// Sparse tensors written out, and the Constant nodes that hold them.
#pragma once

#include <cstdint>

#include "ir/core/tensor.h"

namespace onnxopt {

class Value;

// The same elements, all of them. A null tensor: they are no whole bytes, an index lies outside, or there would be more than `most_bytes` bytes.
Tensor dense_tensor(const SparseTensor& sparse, std::int64_t most_bytes = std::int64_t{1} << 26);

// Made by a Constant node with a sparse value. Such a value keeps off the outputs of a graph: ONNX Runtime gives the caller a sparse tensor there,
// and a dense one behind any operator.
bool is_sparse_constant(const Value& v);

}  // namespace onnxopt
