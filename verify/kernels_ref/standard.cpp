#include "verify/kernels_ref/standard.h"

#include <algorithm>

#include "ir/ops/op_table.h"

namespace onnxopt::ref {

StandardOp::StandardOp(std::string_view ai_onnx_name, Attrs attrs, ExecEnv& env, std::size_t outputs)
    : attrs_(std::make_shared<const Attrs>(std::move(attrs))), outputs_(outputs) {
  const OpSchema& row = op(ai_onnx_name);
  for (const Kernel& k : reference_kernels()) {
    if (k.op != ai_onnx_name || !k.domain.empty() || row.since < k.since_min || row.since > k.since_max) continue;
    Maybe<RunFn> fn = k.prepare({.op = &row, .attrs = attrs_.get(), .num_outputs = outputs}, env);
    if (!fn) bad_input(fn.reason);
    run_ = std::move(*fn);
    return;
  }
  bad_input(fmt::format("no kernel for {}", ai_onnx_name));
}

std::vector<RtValue> StandardOp::operator()(const std::vector<RtValue>& inputs) const {
  std::vector<RtValue> out(outputs_);
  KernelIo io(inputs, out);
  run_(io);
  return out;
}

Attrs attrs_without(const OpCall& call, std::initializer_list<std::string_view> names) {
  Attrs r = *call.attrs;
  for (std::string_view n : names) r.remove(n);
  return r;
}

}  // namespace onnxopt::ref
