// Operators of the first opsets in their own form, where a model could not be lifted: broadcasting by attribute, attributes that became inputs.
// Each turns its node into a call of the next version's kernel.
#include <array>

#include "ir/ops/op_table.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// The function of `op`'s kernel in `family` for these attributes; it keeps them alive.
Maybe<RunFn> prepare_as(std::span<const Kernel> family, const OpSchema& op, Attrs attrs, const OpCall& call, ExecEnv& env) {
  for (const Kernel& k : family) {
    if (k.domain != op.domain || k.op != op.name || op.since < k.since_min || op.since > k.since_max) continue;
    const auto kept = std::make_shared<const Attrs>(std::move(attrs));
    Maybe<RunFn> inner = k.prepare({&op, kept.get(), call.num_outputs, call.node}, env);
    if (!inner) return inner;
    return RunFn([kept, run = *inner](KernelIo& io) { run(io); });
  }
  ONNXOPT_CHECK(false, "no kernel to stand on for " + std::string(op.name));
}
// Runs with other inputs; outputs are those of the node.
void run_with(const RunFn& run, KernelIo& io, std::vector<RtValue> inputs) {
  std::vector<RtValue> outputs(io.num_outputs());
  KernelIo inner(inputs, outputs);
  run(inner);
  for (std::size_t i = 0; i < outputs.size(); ++i) io.set(i, std::move(outputs[i]));
}

// ---- broadcasting by attribute: B's dims are a run of A's dims that starts at `axis` (absent: ends at the last)
struct OldBroadcast {
  bool allowed, has_axis;
  int64_t axis;
};
Tensor align(const Tensor& a, const Tensor& b, const OldBroadcast& rule) {
  if (a.dims() == b.dims()) return b;
  if (!rule.allowed) bad_input(fmt::format("shapes {} and {} differ, and attribute 'broadcast' is not 1", dims_text(a.dims()), dims_text(b.dims())));
  if (b.size() == 1) return b.reshaped({});
  const int64_t axis = rule.has_axis ? normalize_axis(rule.axis, a.rank()) : a.rank() - b.rank();
  bool fits = axis >= 0 && axis + b.rank() <= a.rank();
  Dims dims = b.dims();
  for (int64_t d = 0; fits && d < b.rank(); ++d) fits = dims[at(d)] == 1 || dims[at(d)] == a.dims()[at(axis + d)];
  if (!fits) bad_input(fmt::format("{} does not broadcast to {} from axis {} on", dims_text(b.dims()), dims_text(a.dims()), axis));
  dims.resize(at(a.rank() - axis), 1);
  return b.reshaped(dims);
}
Maybe<RunFn> prepare_broadcast(const OpCall& call, ExecEnv& env) {
  const OldBroadcast rule{attr<int64_t>(call, "broadcast") != 0, has_attr(call, "axis"), attr_or<int64_t>(call, "axis", 0)};
  const Maybe<RunFn> inner = prepare_as(binary_kernels(), *find_op("", call.op->name, 7), {}, call, env);
  if (!inner) return inner;
  return RunFn([rule, run = *inner](KernelIo& io) { run_with(run, io, {io.in(0), align(io.in(0), io.in(1), rule)}); });
}

// A slope for each channel stands on axis 1.
Maybe<RunFn> prepare_prelu(const OpCall& call, ExecEnv& env) {
  const Maybe<RunFn> inner = prepare_as(binary_kernels(), *find_op("", "PRelu", 7), {}, call, env);
  if (!inner) return inner;
  return RunFn([run = *inner](KernelIo& io) {
    const Tensor &x = io.in(0), &slope = io.in(1);
    const bool channels = slope.rank() == 1 && x.rank() > 1 && slope.size() == x.dims()[1];
    run_with(run, io, {x, align(x, slope, {true, channels, 1})});
  });
}

// ---- attributes that became inputs
Maybe<RunFn> prepare_clip(const OpCall& call, ExecEnv& env) {
  const Maybe<RunFn> inner = prepare_as(variadic_kernels(), op("Clip"), {}, call, env);
  if (!inner) return inner;
  const AttrSpec *low_spec = call.op->find_attr("min"), *high_spec = call.op->find_attr("max");
  const bool has_low = has_attr(call, "min"), has_high = has_attr(call, "max");
  const double low = has_low ? attr<float>(call, "min") : low_spec->f, high = has_high ? attr<float>(call, "max") : high_spec->f;
  return RunFn([=, run = *inner](KernelIo& io) {
    const DType t = io.in(0).dtype();
    // A default is the largest float: no bound in any type, but it would cut infinities, so it holds for those that can hold it.
    const bool wide = t == DType::float32 || t == DType::float64;
    std::vector<RtValue> in{io.in(0), RtValue(), RtValue()};
    if (has_low || (low_spec->has_default && wide)) in[1] = narrow(t, {}, std::vector<double>{low});
    if (has_high || (high_spec->has_default && wide)) in[2] = narrow(t, {}, std::vector<double>{high});
    run_with(run, io, std::move(in));
  });
}

Maybe<RunFn> prepare_reshape(const OpCall& call, ExecEnv& env) {
  const Maybe<RunFn> inner = prepare_as(reshape_kernels(), op("Reshape"), {}, call, env);
  if (!inner) return inner;
  return RunFn([shape = attr<Ints>(call, "shape"), run = *inner](KernelIo& io) { run_with(run, io, {io.in(0), Tensor::int64s(shape)}); });
}

// Tile-1: one axis, one count.
Maybe<RunFn> prepare_tile(const OpCall& call, ExecEnv& env) {
  const Maybe<RunFn> inner = prepare_as(movement_kernels(), op("Tile"), {}, call, env);
  if (!inner) return inner;
  return RunFn([run = *inner](KernelIo& io) {
    const auto tiles = scalar_of<int64_t>(io.in(1)), axis = scalar_of<int64_t>(io.in(2));
    Ints repeats(io.in(0).dims().size(), 1);
    repeats[at(normalize_axis(axis, io.in(0).rank()))] = tiles;
    run_with(run, io, {io.in(0), Tensor::int64s(repeats)});
  });
}

// ---- attributes in another form
Maybe<RunFn> prepare_concat(const OpCall& call, ExecEnv& env) {
  return prepare_as(movement_kernels(), op("Concat"), {{"axis", AttrValue(attr_or<int64_t>(call, "axis", 1))}}, call, env);
}

// Files without an opset count as version 1, also those that have the attribute of version 2.
Maybe<RunFn> prepare_pad(const OpCall& call, ExecEnv& env) {
  Attrs attrs{{"mode", AttrValue(attr<std::string>(call, "mode"))},
              {"pads", AttrValue(attr<Ints>(call, has_attr(call, "paddings") ? "paddings" : "pads"))},
              {"value", AttrValue(attr<float>(call, "value"))}};
  return prepare_as(pad_kernels(), *find_op("", "Pad", 2), std::move(attrs), call, env);
}

Maybe<RunFn> prepare_upsample(const OpCall& call, ExecEnv& env) {
  const Floats scales{1, 1, attr<float>(call, "height_scale"), attr<float>(call, "width_scale")};
  std::string mode = attr<std::string>(call, "mode");
  if (mode == "bilinear") mode = "linear";
  return prepare_as(resize_kernels(), *find_op("", "Upsample", 7), {{"mode", AttrValue(mode)}, {"scales", AttrValue(scales)}}, call, env);
}

// The element type by its name in TensorProto.DataType in version 1, by its number in 6; files of that time mix them up.
Maybe<RunFn> prepare_cast(const OpCall& call, ExecEnv& env) {
  if (const auto* number = call.attrs->get<int64_t>("to"))
    return prepare_as(cast_kernels(), *find_op("", "Cast", 9), {{"to", AttrValue(*number)}}, call, env);
  const auto* text = call.attrs->get<std::string>("to");
  if (!text) bad_input("attribute 'to' is missing");
  const DType to = dtype_from_enumerator(*text);
  if (to != DType::undefined) return prepare_as(cast_kernels(), *find_op("", "Cast", 9), {{"to", AttrValue(static_cast<int64_t>(to))}}, call, env);
  bad_input(fmt::format("attribute 'to': \"{}\" is no element type", *text));
}

constexpr Kernel kKernels[] = {
    {"", "Add", 1, 6, prepare_broadcast},  {"", "Sub", 1, 6, prepare_broadcast},     {"", "Mul", 1, 6, prepare_broadcast},
    {"", "Div", 1, 6, prepare_broadcast},  {"", "Pow", 1, 6, prepare_broadcast},     {"", "And", 1, 6, prepare_broadcast},
    {"", "Or", 1, 6, prepare_broadcast},   {"", "Xor", 1, 6, prepare_broadcast},     {"", "Equal", 1, 6, prepare_broadcast},
    {"", "Less", 1, 6, prepare_broadcast}, {"", "Greater", 1, 6, prepare_broadcast}, {"", "PRelu", 1, 6, prepare_prelu},
    {"", "Clip", 1, 10, prepare_clip},     {"", "Reshape", 1, 4, prepare_reshape},   {"", "Tile", 1, 5, prepare_tile},
    {"", "Concat", 1, 3, prepare_concat},  {"", "Pad", 1, 1, prepare_pad},           {"", "Upsample", 1, 6, prepare_upsample},
    {"", "Cast", 1, 8, prepare_cast},
};

}  // namespace

std::span<const Kernel> legacy_kernels() { return kKernels; }

}  // namespace onnxopt::ref
