// TensorProto and SparseTensorProto to Tensor. Internal to ir/io.
#pragma once

#include <string_view>

#include "ir/core/tensor.h"
#include "ir/io/read_context.h"

namespace onnxopt {

// `name` receives the tensor's name if not null (initializers: the name is the value's); else it goes to the notes.
Tensor read_tensor(std::string_view message, const ReadContext& ctx, std::string_view* name = nullptr);
SparseTensor read_sparse_tensor(std::string_view message, const ReadContext& ctx);

}  // namespace onnxopt
