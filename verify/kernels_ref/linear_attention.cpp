// LinearAttention and CausalConvWithState.
#include <cmath>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct LinearAttrs {
  bool gated, delta;
  int64_t q_heads, kv_heads;
  double scale;
};

struct LinearProblem {
  int64_t batch, steps, q_heads, kv_heads, size, v_size;
  int64_t decay_size, beta_heads;  // per head: 1 or `size`; 1 or kv_heads
  std::vector<double> q, k, v, decay, beta;
};

// One batch and key/value head: the state [size, v_size] walks through the steps and is read by the query heads that share it.
void recur(const LinearProblem& p, const LinearAttrs& a, int64_t b, int64_t h, double* state, std::vector<double>& out) {
  const int64_t group = p.q_heads / p.kv_heads;
  std::vector<double> write(at(p.v_size));
  for (int64_t t = 0; t < p.steps; ++t) {
    const int64_t row = b * p.steps + t;
    const double* key = p.k.data() + (row * p.kv_heads + h) * p.size;
    const double* value = p.v.data() + (row * p.kv_heads + h) * p.v_size;
    if (a.gated)
      for (int64_t d = 0; d < p.size; ++d) {
        const double keep = std::exp(p.decay[at((row * p.kv_heads + h) * p.decay_size + (p.decay_size == 1 ? 0 : d))]);
        for (int64_t m = 0; m < p.v_size; ++m) state[d * p.v_size + m] *= keep;
      }
    std::copy(value, value + p.v_size, write.begin());
    if (a.delta) {
      const double beta = p.beta[at(row * p.beta_heads + (p.beta_heads == 1 ? 0 : h))];
      for (int64_t d = 0; d < p.size; ++d)
        for (int64_t m = 0; m < p.v_size; ++m) write[at(m)] -= state[d * p.v_size + m] * key[d];
      for (double& w : write) w *= beta;
    }
    for (int64_t d = 0; d < p.size; ++d)
      for (int64_t m = 0; m < p.v_size; ++m) state[d * p.v_size + m] += key[d] * write[at(m)];
    for (int64_t q = h * group; q < (h + 1) * group; ++q) {
      const double* query = p.q.data() + (row * p.q_heads + q) * p.size;
      double* to = out.data() + (row * p.q_heads + q) * p.v_size;
      for (int64_t d = 0; d < p.size; ++d)
        for (int64_t m = 0; m < p.v_size; ++m) to[m] += a.scale * query[d] * state[d * p.v_size + m];
    }
  }
}

// Width of one head in a packed [batch, steps, heads * width]; Error if the tensor does not have that form.
int64_t head_width(const Tensor& t, const char* name, int64_t batch, int64_t steps, int64_t heads) {
  if (t.rank() != 3 || t.dims()[0] != batch || t.dims()[1] != steps || t.dims()[2] % heads != 0)
    bad_input(fmt::format("{} is {}, not {}x{}x(a multiple of {})", name, dims_text(t.dims()), batch, steps, heads));
  return t.dims()[2] / heads;
}

LinearProblem read_linear(KernelIo& io, const LinearAttrs& a) {
  const Tensor& query = io.in(0);
  if (query.rank() != 3) bad_input(fmt::format("query is {}, not batch x steps x heads", dims_text(query.dims())));
  if (io.has(4) != a.gated) bad_input(a.gated ? "this update_rule needs the input decay" : "this update_rule takes no input decay");
  if (io.has(5) != a.delta) bad_input(a.delta ? "this update_rule needs the input beta" : "this update_rule takes no input beta");
  LinearProblem p{query.dims()[0],         query.dims()[1],         a.q_heads, a.kv_heads, 0, 0, 1, 1, widen<double>(query),
                  widen<double>(io.in(1)), widen<double>(io.in(2)), {},        {}};
  p.size = head_width(query, "query", p.batch, p.steps, a.q_heads);
  if (head_width(io.in(1), "key", p.batch, p.steps, a.kv_heads) != p.size)
    bad_input(fmt::format("query {}, key {}: the heads differ in size", dims_text(query.dims()), dims_text(io.in(1).dims())));
  p.v_size = head_width(io.in(2), "value", p.batch, p.steps, a.kv_heads);
  if (a.gated) {
    p.decay = widen<double>(io.in(4));
    p.decay_size = head_width(io.in(4), "decay", p.batch, p.steps, a.kv_heads);
    if (p.decay_size != 1 && p.decay_size != p.size) bad_input(fmt::format("decay is {}", dims_text(io.in(4).dims())));
  }
  if (a.delta) {
    p.beta = widen<double>(io.in(5));
    head_width(io.in(5), "beta", p.batch, p.steps, 1);
    p.beta_heads = io.in(5).dims()[2];
    if (p.beta_heads != 1 && p.beta_heads != a.kv_heads) bad_input(fmt::format("beta is {}", dims_text(io.in(5).dims())));
  }
  return p;
}

void run_linear_attention(KernelIo& io, LinearAttrs a) {
  const LinearProblem p = read_linear(io, a);
  if (a.scale == 0) a.scale = 1 / std::sqrt(static_cast<double>(p.size));
  const DType type = io.in(0).dtype();
  const Dims state_dims{p.batch, p.kv_heads, p.size, p.v_size};
  if (io.has(3) && io.in(3).dims() != state_dims)
    bad_input(fmt::format("past_state is {}, not {}", dims_text(io.in(3).dims()), dims_text(state_dims)));
  std::vector<double> state = io.has(3) ? widen<double>(io.in(3)) : std::vector<double>(at(element_count(state_dims)));
  const Dims out_dims{p.batch, p.steps, p.q_heads * p.v_size};
  std::vector<double> out(at(element_count(out_dims)));
  const double cost = 4.0 * static_cast<double>(p.steps) * static_cast<double>(p.size * p.v_size);
  parallel_for(p.batch * p.kv_heads, cost, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) recur(p, a, i / p.kv_heads, i % p.kv_heads, state.data() + i * p.size * p.v_size, out);
  });
  io.set(0, narrow(type, out_dims, out));
  io.set(1, narrow(io.has(3) ? io.in(3).dtype() : type, state_dims, state));
}
Maybe<RunFn> prepare_linear_attention(const OpCall& call, ExecEnv&) {
  const std::string rule = attr<std::string>(call, "update_rule");
  LinearAttrs a{rule == "gated" || rule == "gated_delta", rule == "delta" || rule == "gated_delta", attr<int64_t>(call, "q_num_heads"),
                attr<int64_t>(call, "kv_num_heads"), attr<float>(call, "scale")};
  if (!a.gated && !a.delta && rule != "linear") bad_input(fmt::format("attribute 'update_rule' is \"{}\"", rule));
  if (a.kv_heads < 1 || a.q_heads < 1 || a.q_heads % a.kv_heads != 0)
    bad_input(fmt::format("{} query heads for {} key and value heads", a.q_heads, a.kv_heads));
  return RunFn([a](KernelIo& io) { run_linear_attention(io, a); });
}

// ---- CausalConvWithState: input [batch, channels, length], weight [channels, 1, k], bias?, past_state? [batch, channels, k - 1]
void run_causal_conv(KernelIo& io, bool silu) {
  const Tensor &x = io.in(0), &weight = io.in(1);
  if (x.rank() != 3 || weight.rank() != 3 || weight.dims()[0] != x.dims()[1] || weight.dims()[1] != 1 || weight.dims()[2] < 1)
    bad_input(fmt::format("input {}, weight {}", dims_text(x.dims()), dims_text(weight.dims())));
  const int64_t channels = x.dims()[1], length = x.dims()[2], k = weight.dims()[2], past = k - 1, lines = x.dims()[0] * channels;
  const Dims state_dims{x.dims()[0], channels, past};
  if (io.has(2) && io.in(2).dims() != Dims{channels}) bad_input(fmt::format("bias {} for {} channels", dims_text(io.in(2).dims()), channels));
  if (io.has(3) && io.in(3).dims() != state_dims)
    bad_input(fmt::format("past_state is {}, not {}", dims_text(io.in(3).dims()), dims_text(state_dims)));
  const std::vector<double> in = widen<double>(x), w = widen<double>(weight),
                            bias = io.has(2) ? widen<double>(io.in(2)) : std::vector<double>(at(channels));
  std::vector<double> state = io.has(3) ? widen<double>(io.in(3)) : std::vector<double>(at(lines * past)), out(in.size());
  std::vector<double> line(at(past + length));
  for (int64_t i = 0; i < lines; ++i) {
    std::copy_n(state.begin() + i * past, past, line.begin());
    std::copy_n(in.begin() + i * length, length, line.begin() + past);
    std::copy_n(line.begin() + length, past, state.begin() + i * past);
    for (int64_t t = 0; t < length; ++t) {
      double sum = bias[at(i % channels)];
      for (int64_t j = 0; j < k; ++j) sum += w[at(i % channels * k + j)] * line[at(t + j)];
      out[at(i * length + t)] = sum;
    }
  }
  Tensor y = narrow(x.dtype(), x.dims(), out);
  if (silu) {  // of the rounded convolution, as in the operator's function body
    out = widen<double>(y);
    for (double& v : out) v /= 1 + std::exp(-v);
    y = narrow(x.dtype(), x.dims(), out);
  }
  io.set(0, y);
  io.set(1, narrow(x.dtype(), state_dims, state));
}
Maybe<RunFn> prepare_causal_conv(const OpCall& call, ExecEnv&) {
  const std::string activation = attr<std::string>(call, "activation");
  if (activation != "none" && activation != "silu" && activation != "swish") bad_input(fmt::format("attribute 'activation' is \"{}\"", activation));
  return RunFn([silu = activation != "none"](KernelIo& io) { run_causal_conv(io, silu); });
}

constexpr Kernel kKernels[] = {
    {"", "LinearAttention", 27, kAnyVersion, prepare_linear_attention},
    {"", "CausalConvWithState", 27, kAnyVersion, prepare_causal_conv},
};

}  // namespace

std::span<const Kernel> linear_attention_kernels() { return kKernels; }

}  // namespace onnxopt::ref
