// com.microsoft: the operators that ONNX Runtime's optimizer writes.
#include "ir/ops/infer_families.h"

namespace onnxopt::infer_fn {

InferFn contrib_function(std::string_view) { return nullptr; }

}  // namespace onnxopt::infer_fn
