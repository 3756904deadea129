// A standard operator as a function on tensors, for kernels that are one and a little more.
#pragma once

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {

class StandardOp {
 public:
  // Throws Error where no kernel runs it with these attributes. `env` must outlive this.
  StandardOp(std::string_view ai_onnx_name, Attrs attrs, ExecEnv& env, std::size_t outputs = 1);
  std::vector<RtValue> operator()(const std::vector<RtValue>& inputs) const;
  Tensor one(const std::vector<RtValue>& inputs) const { return (*this)(inputs).front().tensor(); }

 private:
  std::shared_ptr<const Attrs> attrs_;
  std::size_t outputs_;
  RunFn run_;
};

// The attributes of a call, less those named.
Attrs attrs_without(const OpCall& call, std::initializer_list<std::string_view> names);

}  // namespace onnxopt::ref
