// com.microsoft.nchwc: operators on ONNX Runtime's blocked layout (ir/ops/nchwc.h), done as the standard ones on plain tensors.
#include "ir/ops/nchwc.h"

#include "verify/kernels_ref/conv.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/fused_activation.h"
#include "verify/kernels_ref/standard.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;

int64_t block_of(ExecEnv& env) {
  if (env.nchwc_block == 0) env.nchwc_block = env.model ? nchwc_block(*env.model).size : 0;
  if (env.nchwc_block == 0) bad_input("the size of a channel block is not known outside of a model");
  return env.nchwc_block;
}

Tensor moved(const Tensor& x, Ints perm, ExecEnv& env) { return StandardOp("Transpose", Attrs{{"perm", std::move(perm)}}, env).one({x}); }
bool channels_last(const OpCall& call) { return attr_or<int64_t>(call, "channels_last", 0) != 0; }

Maybe<RunFn> prepare_reorder_input(const OpCall& call, ExecEnv& env) {
  return RunFn([last = channels_last(call), &env](KernelIo& io) {
    io.set(0, plain_to_nchwc(last ? moved(io.in(0), {0, 3, 1, 2}, env) : io.in(0), block_of(env)));
  });
}

Maybe<RunFn> prepare_reorder_output(const OpCall& call, ExecEnv& env) {
  return RunFn([last = channels_last(call), channels = attr_or<int64_t>(call, "channels", 0), &env](KernelIo& io) {
    const Tensor all = nchwc_to_plain(io.in(0), block_of(env));
    if (channels < 1 || channels > all.dims()[1]) bad_input(fmt::format("{} channels of {}", channels, all.dims()[1]));
    const Tensor x = StandardOp("Slice", {}, env).one({all, Tensor::int64s({0}), Tensor::int64s({channels}), Tensor::int64s({1})});
    io.set(0, last ? moved(x, {0, 2, 3, 1}, env) : x);
  });
}

// Conv, plus an optional fourth input, then an activation.
Maybe<RunFn> prepare_conv(const OpCall& call, ExecEnv& env) {
  return RunFn([attrs = read_window(call), groups = attr_or<int64_t>(call, "group", 1), name = attr_or<std::string>(call, "activation", ""),
                params = attr_or<Floats>(call, "activation_params", {}), &env](KernelIo& io) {
    const int64_t b = block_of(env);
    const bool blocked = io.in(1).rank() == 4 && nchwc_filter_kind(io.in(1).dims(), groups, b).blocked_input;
    const Tensor x = blocked ? nchwc_to_plain(io.in(0), b) : io.in(0);
    const Tensor y = conv(x, nchwc_filter_to_plain(io.in(1), groups, b), io.has(2) ? &io.in(2) : nullptr, groups, attrs);
    std::vector<double> v = widen<double>(y);
    if (io.has(3)) {
      if (io.in(3).dims() != y.dims()) bad_input(fmt::format("Sum is {}, the result {}", dims_text(io.in(3).dims()), dims_text(y.dims())));
      const std::vector<double> sum = widen<double>(nchwc_to_plain(io.in(3), b));
      for (std::size_t i = 0; i < v.size(); ++i) v[i] += sum[i];
    }
    for (double& e : v) e = fused_activation(name, params, e);
    io.set(0, plain_to_nchwc(narrow(y.dtype(), y.dims(), v), b));
  });
}

Maybe<RunFn> prepare_pool(const OpCall& call, ExecEnv& env) {
  return RunFn([op = StandardOp(call.op->name, *call.attrs, env), &env](KernelIo& io) {
    const int64_t b = block_of(env);
    io.set(0, plain_to_nchwc(op.one({nchwc_to_plain(io.in(0), b)}), b));
  });
}

Maybe<RunFn> prepare_upsample(const OpCall& call, ExecEnv& env) {
  const Ints scales = attr_or<Ints>(call, "scales", {});
  Attrs attrs{{"mode", attr_or<std::string>(call, "mode", "nearest")},
              {"coordinate_transformation_mode", attr_or<std::string>(call, "coordinate_transformation_mode", "asymmetric")},
              {"nearest_mode", std::string("floor")}};
  return RunFn([op = StandardOp("Resize", std::move(attrs), env), factors = std::vector<float>(scales.begin(), scales.end()), &env](KernelIo& io) {
    const int64_t b = block_of(env);
    const Tensor by = Tensor::of<float>({static_cast<int64_t>(factors.size())}, factors);
    io.set(0, plain_to_nchwc(op.one({nchwc_to_plain(io.in(0), b), RtValue(), by}), b));
  });
}

constexpr Kernel kKernels[] = {
    {kNchwcDomain, "AveragePool", 1, kAnyVersion, prepare_pool},
    {kNchwcDomain, "Conv", 1, kAnyVersion, prepare_conv},
    {kNchwcDomain, "GlobalAveragePool", 1, kAnyVersion, prepare_pool},
    {kNchwcDomain, "GlobalMaxPool", 1, kAnyVersion, prepare_pool},
    {kNchwcDomain, "MaxPool", 1, kAnyVersion, prepare_pool},
    {kNchwcDomain, "ReorderInput", 1, kAnyVersion, prepare_reorder_input},
    {kNchwcDomain, "ReorderOutput", 1, kAnyVersion, prepare_reorder_output},
    {kNchwcDomain, "Upsample", 1, kAnyVersion, prepare_upsample},
};

}  // namespace

std::span<const Kernel> nchwc_kernels() { return kKernels; }

}  // namespace onnxopt::ref
