// If, Loop, Scan. The executor runs the subgraphs; captured values are its business.
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/stack.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

Graph& subgraph(const OpCall& call, std::string_view name) {
  const auto* g = call.attrs->get<std::shared_ptr<Graph>>(name);
  if (g == nullptr || !*g) bad_input(fmt::format("attribute '{}' is missing", name));
  return **g;
}

Maybe<RunFn> prepare_if(const OpCall& call, ExecEnv& env) {
  return RunFn([&env, &yes = subgraph(call, "then_branch"), &no = subgraph(call, "else_branch")](KernelIo& io) {
    std::vector<RtValue> out = env.run_subgraph(scalar_of<std::uint64_t>(io.in(0)) ? yes : no, {});
    for (std::size_t i = 0; i < out.size(); ++i) io.set(i, std::move(out[i]));
  });
}

const Tensor& tensor_of(const RtValue& v, const char* what) {
  if (!v.is_tensor()) bad_input(fmt::format("{} is not a tensor", what));
  return v.tensor();
}

// What a loop that never ran gives for a scan output: no elements of its element type and shape; sizes that only the body's declaration knows come
// from there, those that nobody knows are 0, as in ONNX Runtime.
Tensor empty_scan_output(const Value& body_output, int64_t axis) {
  const Type* declared = body_output.extra() && body_output.extra()->has_declared ? &body_output.extra()->declared : nullptr;
  const Type& t = (body_output.type.is_tensor() && body_output.type.has_rank()) || !declared ? body_output.type : *declared;
  const bool more = declared && declared->has_rank() && t.has_rank() && declared->shape->size() == t.shape->size();
  Dims dims;
  for (std::size_t i = 0; t.has_rank() && i < t.shape->size(); ++i) {
    const Dim& d = (*t.shape)[i];
    const Dim& said = more ? (*declared->shape)[i] : d;
    dims.push_back(d.is_value() ? d.value() : said.is_value() ? std::max<int64_t>(said.value(), 0) : 0);
  }
  dims.insert(dims.begin() + normalize_axis(axis, dims.size() + 1), 0);
  if (t.dtype == DType::undefined) bad_input("a loop without iterations, whose scan output has no known element type");
  return Tensor::zeros(t.dtype, dims);
}

// Inputs: M?, cond?, states...; body: (i, cond, states...) -> (cond, states..., scan outputs...).
void run_loop(KernelIo& io, ExecEnv& env, Graph& body) {
  const std::size_t states = io.num_inputs() < 2 ? 0 : io.num_inputs() - 2;
  if (body.inputs().size() != states + 2 || body.outputs().size() < states + 1)
    bad_input(fmt::format("the body has {} inputs and {} outputs for {} loop-carried values", body.inputs().size(), body.outputs().size(), states));
  const std::size_t scans = body.outputs().size() - states - 1;
  const int64_t trips = io.has(0) ? scalar_of<int64_t>(io.in(0)) : INT64_MAX;
  bool go = !io.has(1) || scalar_of<std::uint64_t>(io.in(1)) != 0;
  std::vector<RtValue> state;
  for (std::size_t i = 0; i < states; ++i) state.push_back(io.value(i + 2));
  std::vector<std::vector<Tensor>> collected(scans);
  for (int64_t i = 0; i < trips && go; ++i) {
    std::vector<RtValue> in{Tensor::scalar<int64_t>(i), Tensor::scalar(go)};
    for (RtValue& s : state) in.push_back(std::move(s));
    std::vector<RtValue> out = env.run_subgraph(body, std::move(in));
    if (!out[0].empty()) go = scalar_of<std::uint64_t>(tensor_of(out[0], "the condition")) != 0;
    for (std::size_t s = 0; s < states; ++s) state[s] = std::move(out[s + 1]);
    for (std::size_t s = 0; s < scans; ++s) collected[s].push_back(tensor_of(out[states + 1 + s], "a scan output"));
  }
  for (std::size_t s = 0; s < states; ++s) io.set(s, std::move(state[s]));
  for (std::size_t s = 0; s < scans; ++s)
    io.set(states + s, collected[s].empty() ? empty_scan_output(*body.outputs()[states + 1 + s], 0) : stack(collected[s], 0));
}
Maybe<RunFn> prepare_loop(const OpCall& call, ExecEnv& env) {
  return RunFn([&env, &body = subgraph(call, "body")](KernelIo& io) { run_loop(io, env, body); });
}

struct ScanAttrs {
  int64_t num_inputs;
  Ints in_axes, in_directions, out_axes, out_directions;
};
int64_t entry(const Ints& list, std::size_t i) { return i < list.size() ? list[i] : 0; }

// One run over the sequence: states and scanned tensors in, states and stacked outputs out.
std::vector<RtValue> scan(ExecEnv& env, Graph& body, const ScanAttrs& a, std::vector<RtValue> states, const std::vector<Tensor>& scanned,
                          int64_t length) {
  const std::size_t outputs = body.outputs().size() - states.size();
  std::vector<std::vector<Tensor>> collected(outputs);
  for (int64_t t = 0; t < length; ++t) {
    std::vector<RtValue> in = std::move(states);
    for (std::size_t i = 0; i < scanned.size(); ++i) {
      const int64_t axis = normalize_axis(entry(a.in_axes, i), scanned[i].rank());
      in.push_back(select(scanned[i], axis, entry(a.in_directions, i) ? length - 1 - t : t));
    }
    std::vector<RtValue> out = env.run_subgraph(body, std::move(in));
    const std::size_t n = out.size() - outputs;
    states.assign(std::make_move_iterator(out.begin()), std::make_move_iterator(out.begin() + static_cast<std::ptrdiff_t>(n)));
    for (std::size_t o = 0; o < outputs; ++o) collected[o].push_back(tensor_of(out[n + o], "a scan output"));
  }
  for (std::size_t o = 0; o < outputs; ++o) {
    if (collected[o].empty()) {
      states.push_back(empty_scan_output(*body.outputs()[states.size()], entry(a.out_axes, o)));
      continue;
    }
    if (entry(a.out_directions, o)) std::reverse(collected[o].begin(), collected[o].end());
    states.push_back(stack(collected[o], normalize_axis(entry(a.out_axes, o), collected[o][0].rank() + 1)));
  }
  return states;
}

ScanAttrs read_scan(const OpCall& call) {
  const bool directions_only = call.op->since < 9;
  ScanAttrs a;
  a.num_inputs = attr<int64_t>(call, "num_scan_inputs");
  a.in_axes = attr_or<Ints>(call, "scan_input_axes", {});
  a.in_directions = attr_or<Ints>(call, directions_only ? "directions" : "scan_input_directions", {});
  a.out_axes = attr_or<Ints>(call, "scan_output_axes", {});
  a.out_directions = attr_or<Ints>(call, "scan_output_directions", {});
  return a;
}
std::size_t count_states(const KernelIo& io, const Graph& body, const ScanAttrs& a, std::size_t leading) {
  const auto given = static_cast<int64_t>(io.num_inputs() - leading);
  if (a.num_inputs < 1 || a.num_inputs > given || static_cast<int64_t>(body.inputs().size()) != given ||
      static_cast<int64_t>(body.outputs().size()) < given - a.num_inputs)
    bad_input(fmt::format("{} inputs of which {} are scanned, a body with {} inputs and {} outputs", given, a.num_inputs, body.inputs().size(),
                          body.outputs().size()));
  const auto outputs = static_cast<int64_t>(body.outputs().size()) - (given - a.num_inputs);
  const auto fits = [](const Ints& list, int64_t n) { return list.empty() || static_cast<int64_t>(list.size()) == n; };
  if (!fits(a.in_axes, a.num_inputs) || !fits(a.in_directions, a.num_inputs) || !fits(a.out_axes, outputs) || !fits(a.out_directions, outputs))
    bad_input(fmt::format("axes or directions of another number than {} scanned inputs and {} outputs", a.num_inputs, outputs));
  return at(given - a.num_inputs);
}

Maybe<RunFn> prepare_scan(const OpCall& call, ExecEnv& env) {
  return RunFn([&env, &body = subgraph(call, "body"), a = read_scan(call)](KernelIo& io) {
    const std::size_t states = count_states(io, body, a, 0);
    std::vector<RtValue> state;
    std::vector<Tensor> scanned;
    int64_t length = -1;
    for (std::size_t i = 0; i < io.num_inputs(); ++i) {
      if (i < states) {
        state.push_back(io.value(i));
        continue;
      }
      scanned.push_back(io.in(i));
      const int64_t n = io.in(i).dims()[at(normalize_axis(entry(a.in_axes, i - states), io.in(i).rank()))];
      if (length >= 0 && n != length) bad_input(fmt::format("scanned inputs of {} and {} elements", length, n));
      length = n;
    }
    std::vector<RtValue> out = scan(env, body, a, std::move(state), scanned, length);
    for (std::size_t i = 0; i < out.size(); ++i) io.set(i, std::move(out[i]));
  });
}

// Scan-8: a batch dim in front of everything, optional sequence lengths; shorter sequences give outputs padded with zeros.
Maybe<RunFn> prepare_scan_8(const OpCall& call, ExecEnv& env) {
  return RunFn([&env, &body = subgraph(call, "body"), a = read_scan(call)](KernelIo& io) {
    const std::size_t states = count_states(io, body, a, 1), total = body.outputs().size();
    const int64_t batch = io.in(1).dims().at(0), steps = io.in(1 + states).dims().at(1);
    const Ints lengths = io.has(0) ? ints_of(io.in(0)) : Ints(at(batch), steps);
    if (static_cast<int64_t>(lengths.size()) != batch) bad_input(fmt::format("{} sequence lengths for a batch of {}", lengths.size(), batch));
    std::vector<std::vector<Tensor>> results(total);
    for (int64_t b = 0; b < batch; ++b) {
      if (lengths[at(b)] < 0 || lengths[at(b)] > steps) bad_input(fmt::format("sequence length {} of {} steps", lengths[at(b)], steps));
      std::vector<RtValue> state;
      std::vector<Tensor> scanned;
      for (std::size_t i = 1; i < io.num_inputs(); ++i) {
        Tensor one = select(io.in(i), 0, b);
        if (i <= states) state.emplace_back(std::move(one));
        else scanned.push_back(take(one, 0, 0, lengths[at(b)]));
      }
      std::vector<RtValue> out = scan(env, body, a, std::move(state), scanned, lengths[at(b)]);
      for (std::size_t i = 0; i < total; ++i) {
        Tensor t = tensor_of(out[i], "a result");
        if (i >= states && t.dims().at(0) < steps) {
          Dims rest = t.dims();
          rest[0] = steps - rest[0];
          t = concat({t, Tensor::zeros(t.dtype(), rest)}, 0);
        }
        results[i].push_back(std::move(t));
      }
    }
    for (std::size_t i = 0; i < total; ++i) io.set(i, stack(results[i], 0));
  });
}

constexpr Kernel kKernels[] = {
    {"", "If", 1, kAnyVersion, prepare_if},
    {"", "Loop", 1, kAnyVersion, prepare_loop},
    {"", "Scan", 8, 8, prepare_scan_8},
    {"", "Scan", 9, kAnyVersion, prepare_scan},
};

}  // namespace

std::span<const Kernel> control_kernels() { return kKernels; }

}  // namespace onnxopt::ref
