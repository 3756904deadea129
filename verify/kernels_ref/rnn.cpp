// RNN, GRU, LSTM (versions 1 to 22; before 7 outputs are the same for the attributes that lifting accepts). Plain loops in double: X [seq, batch, in]
// (layout 0) or [batch, seq, in] (layout 1); W [dirs, gates*H, in], R [dirs, gates*H, H], B [dirs, 2*gates*H]. com.microsoft AttnLSTM is an LSTM
// whose input of each step is [X, what the attention over a memory gave].
#include <algorithm>
#include <optional>

#include "verify/exec/deadline.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/rnn_activation.h"
#include "verify/kernels_ref/rnn_attention.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using Vec = std::vector<double>;

struct Attributes {
  std::string op, direction;
  std::int64_t layout = 0;
  std::optional<std::int64_t> hidden_size;
  double clip = 0;  // 0: none
  bool input_forget = false, linear_before_reset = false, attention = false;
  std::vector<Activation> activations;
  std::int64_t gates = 1;
};

// Everything of one run that does not depend on the direction.
struct Problem {
  const Attributes* a;
  std::int64_t seq, batch, columns, in, hidden, dirs;  // columns of X; in: columns of W, those of the attention included
  Vec x, w, r, b, p;
  std::optional<RnnAttention> attention;
  std::vector<std::int64_t> lengths;
  // Element (t, n, i) of X in its layout.
  const double* input(std::int64_t t, std::int64_t n) const { return x.data() + (a->layout == 0 ? t * batch + n : n * seq + t) * columns; }
};

struct State {
  Vec h, c;
};

double clipped(double v, double clip) { return clip > 0 ? std::min(std::max(v, -clip), clip) : v; }

double dot(const double* a, const double* b, std::int64_t n) {
  double s = 0;
  for (std::int64_t i = 0; i < n; ++i) s += a[i] * b[i];
  return s;
}

// The sums of one step, before any activation: X*W^T + Wb and H*R^T + Rb, [gates*H] each.
struct Sums {
  Vec x, h;
};

Sums gate_sums(const Problem& p, std::int64_t d, const double* x, const Vec& h) {
  const std::int64_t rows = p.a->gates * p.hidden;
  Sums s{Vec(static_cast<std::size_t>(rows)), Vec(static_cast<std::size_t>(rows))};
  for (std::int64_t g = 0; g < rows; ++g) {
    const auto i = static_cast<std::size_t>(g);
    s.x[i] = dot(p.w.data() + (d * rows + g) * p.in, x, p.in);
    s.h[i] = dot(p.r.data() + (d * rows + g) * p.hidden, h.data(), p.hidden);
    if (p.b.empty()) continue;
    s.x[i] += p.b[static_cast<std::size_t>(d * 2 * rows + g)];
    s.h[i] += p.b[static_cast<std::size_t>(d * 2 * rows + rows + g)];
  }
  return s;
}

void step_rnn(const Problem& p, std::int64_t d, const double* x, State& state) {
  const Sums s = gate_sums(p, d, x, state.h);
  const Activation& f = p.a->activations[static_cast<std::size_t>(d)];
  for (std::size_t j = 0; j < state.h.size(); ++j) state.h[j] = f(clipped(s.x[j] + s.h[j], p.a->clip));
}

// Gates z, r, h.
void step_gru(const Problem& p, std::int64_t d, const double* x, State& state) {
  const auto n = static_cast<std::size_t>(p.hidden);
  Sums s = gate_sums(p, d, x, state.h);
  const Activation &f = p.a->activations[static_cast<std::size_t>(d) * 2], &g = p.a->activations[static_cast<std::size_t>(d) * 2 + 1];
  Vec z(n), r(n), reset(n);
  for (std::size_t j = 0; j < n; ++j) {
    z[j] = f(clipped(s.x[j] + s.h[j], p.a->clip));
    r[j] = f(clipped(s.x[n + j] + s.h[n + j], p.a->clip));
    reset[j] = r[j] * state.h[j];
  }
  const std::int64_t rows = 3 * p.hidden;
  Vec next(n);
  for (std::size_t j = 0; j < n; ++j) {
    double recurrent = r[j] * s.h[2 * n + j];
    if (!p.a->linear_before_reset) {
      recurrent = dot(p.r.data() + (d * rows + 2 * p.hidden + static_cast<std::int64_t>(j)) * p.hidden, reset.data(), p.hidden);
      if (!p.b.empty()) recurrent += p.b[static_cast<std::size_t>(d * 2 * rows + rows) + 2 * n + j];
    }
    next[j] = (1 - z[j]) * g(clipped(s.x[2 * n + j] + recurrent, p.a->clip)) + z[j] * state.h[j];
  }
  state.h = std::move(next);
}

// Gates i, o, f, c; peepholes P are i, o, f.
void step_lstm(const Problem& p, std::int64_t d, const double* x, State& state) {
  const auto n = static_cast<std::size_t>(p.hidden);
  const Sums s = gate_sums(p, d, x, state.h);
  const auto* act = p.a->activations.data() + d * 3;
  const auto peephole = [&](std::size_t gate, std::size_t j, double c) {
    return p.p.empty() ? 0.0 : p.p[(static_cast<std::size_t>(d) * 3 + gate) * n + j] * c;
  };
  for (std::size_t j = 0; j < n; ++j) {
    const double c = state.c[j];
    const auto sum = [&](std::size_t gate) { return s.x[gate * n + j] + s.h[gate * n + j]; };
    const double i = act[0](clipped(sum(0) + peephole(0, j, c), p.a->clip));
    const double f = p.a->input_forget ? 1 - i : act[0](clipped(sum(2) + peephole(2, j, c), p.a->clip));
    const double next = f * c + i * act[1](clipped(sum(3), p.a->clip));
    const double o = act[0](clipped(sum(1) + peephole(1, j, next), p.a->clip));
    state.c[j] = next;
    state.h[j] = o * act[2](next);
  }
}

using Step = void (*)(const Problem&, std::int64_t, const double*, State&);

struct Results {
  Vec y, h, c;
};  // y [seq, dirs, batch, H], h and c [dirs, batch, H]

void run_direction(const Problem& p, Step step, std::int64_t d, bool reverse, const Vec& h0, const Vec& c0, Results& out) {
  const std::int64_t n = p.hidden;
  DeadlineWatch watch;
  for (std::int64_t b = 0; b < p.batch; ++b) {
    const std::int64_t at = (d * p.batch + b) * n;
    const auto slice = [&](const Vec& v) { return v.empty() ? Vec(static_cast<std::size_t>(n)) : Vec(v.begin() + at, v.begin() + at + n); };
    State state{slice(h0), slice(c0)};
    const std::int64_t length = p.lengths[static_cast<std::size_t>(b)];
    Vec joined(p.attention ? static_cast<std::size_t>(p.in) : 0);
    for (std::int64_t k = 0; k < length; ++k) {
      const std::int64_t t = reverse ? length - 1 - k : k;
      if (p.attention) std::copy_n(p.input(t, b), p.columns, joined.begin());
      step(p, d, p.attention ? joined.data() : p.input(t, b), state);
      if (p.attention) {
        const Vec seen = p.attention->ask(d, b, state.h);
        std::copy(seen.begin(), seen.end(), joined.begin() + p.columns);
      }
      watch.did(8 * n * n);
      std::copy(state.h.begin(), state.h.end(), out.y.begin() + ((t * p.dirs + d) * p.batch + b) * n);
    }
    std::copy(state.h.begin(), state.h.end(), out.h.begin() + at);
    std::copy(state.c.begin(), state.c.end(), out.c.begin() + at);
  }
}

Vec optional_input(KernelIo& io, std::size_t i, std::int64_t elements, const char* what) {
  if (!io.has(i)) return {};
  if (io.in(i).size() != elements) bad_input(fmt::format("{} of shape {} where {} elements are needed", what, dims_text(io.in(i).dims()), elements));
  return widen<double>(io.in(i));
}

Problem read_problem(KernelIo& io, const Attributes& a) {
  const Tensor &x = io.in(0), &w = io.in(1), &r = io.in(2);
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3)
    bad_input(fmt::format("X {}, W {}, R {}: all must have rank 3", dims_text(x.dims()), dims_text(w.dims()), dims_text(r.dims())));
  Problem p;
  p.a = &a;
  p.seq = x.dims()[a.layout == 0 ? 0 : 1];
  p.batch = x.dims()[a.layout == 0 ? 1 : 0];
  p.columns = x.dims()[2];
  p.hidden = r.dims()[2];
  if (a.hidden_size.value_or(p.hidden) != p.hidden) bad_input(fmt::format("hidden_size {} for weights {}", *a.hidden_size, dims_text(r.dims())));
  p.dirs = a.direction == "bidirectional" ? 2 : 1;
  if (a.attention) p.attention.emplace(io, p.dirs, p.batch, p.hidden);
  p.in = p.columns + (p.attention ? p.attention->size() : 0);
  const std::int64_t rows = a.gates * p.hidden;
  if (w.dims() != Dims{p.dirs, rows, p.in} || r.dims() != Dims{p.dirs, rows, p.hidden})
    bad_input(fmt::format("weights {} and {} do not fit {} inputs, {} hidden units and {} directions", dims_text(w.dims()), dims_text(r.dims()), p.in,
                          p.hidden, p.dirs));
  p.x = widen<double>(x);
  p.w = widen<double>(w);
  p.r = widen<double>(r);
  p.b = optional_input(io, 3, p.dirs * 2 * rows, "B");
  p.lengths.assign(static_cast<std::size_t>(p.batch), p.seq);
  if (io.has(4)) {
    const Ints lengths = ints_of(io.in(4));
    if (lengths.size() != p.lengths.size()) bad_input(fmt::format("{} sequence lengths for a batch of {}", lengths.size(), p.batch));
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      if (lengths[i] < 0 || lengths[i] > p.seq) bad_input(fmt::format("sequence length {} in {} steps", lengths[i], p.seq));
      p.lengths[i] = lengths[i];
    }
  }
  return p;
}

// [outer, middle, inner...] -> [middle, outer, inner...] blocks of `block` elements.
Vec swap_first_two(const Vec& v, std::int64_t outer, std::int64_t middle, std::int64_t block) {
  Vec r(v.size());
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t m = 0; m < middle; ++m) std::copy_n(v.begin() + (o * middle + m) * block, block, r.begin() + (m * outer + o) * block);
  return r;
}

// y of one batch entry: [seq, dirs, batch, H] -> [batch, seq, dirs, H].
Vec batch_first(const Problem& p, const Vec& y) { return swap_first_two(y, p.seq * p.dirs, p.batch, p.hidden); }

void run(KernelIo& io, const Attributes& a, Step step) {
  Problem p = read_problem(io, a);
  const bool lstm = a.op == "LSTM";
  const std::int64_t states = p.dirs * p.batch * p.hidden;
  Vec h0 = optional_input(io, 5, states, "initial_h"), c0 = lstm ? optional_input(io, 6, states, "initial_c") : Vec();
  if (lstm) p.p = optional_input(io, 7, p.dirs * 3 * p.hidden, "P");
  const bool swapped = a.layout != 0;
  if (swapped && !h0.empty()) h0 = swap_first_two(h0, p.batch, p.dirs, p.hidden);
  if (swapped && !c0.empty()) c0 = swap_first_two(c0, p.batch, p.dirs, p.hidden);
  Results out{Vec(static_cast<std::size_t>(p.seq * states)), Vec(static_cast<std::size_t>(states)), Vec(static_cast<std::size_t>(states))};
  for (std::int64_t d = 0; d < p.dirs; ++d) run_direction(p, step, d, a.direction == "reverse" || d == 1, h0, c0, out);
  const DType t = io.in(0).dtype();
  const Dims y_dims = swapped ? Dims{p.batch, p.seq, p.dirs, p.hidden} : Dims{p.seq, p.dirs, p.batch, p.hidden};
  const Dims h_dims = swapped ? Dims{p.batch, p.dirs, p.hidden} : Dims{p.dirs, p.batch, p.hidden};
  io.set(0, narrow(t, y_dims, swapped ? batch_first(p, out.y) : out.y));
  io.set(1, narrow(t, h_dims, swapped ? swap_first_two(out.h, p.dirs, p.batch, p.hidden) : out.h));
  if (lstm) io.set(2, narrow(t, h_dims, swapped ? swap_first_two(out.c, p.dirs, p.batch, p.hidden) : out.c));
}

Attributes read_attributes(const OpCall& call) {
  Attributes a;
  a.attention = call.op->name == "AttnLSTM";
  a.op = a.attention ? "LSTM" : std::string(call.op->name);
  a.direction = attr_or<std::string>(call, "direction", "forward");
  if (a.direction != "forward" && a.direction != "reverse" && a.direction != "bidirectional") bad_input(fmt::format("direction '{}'", a.direction));
  a.layout = attr_or<std::int64_t>(call, "layout", 0);
  if (has_attr(call, "hidden_size")) a.hidden_size = attr<std::int64_t>(call, "hidden_size");
  a.clip = static_cast<double>(attr_or<float>(call, "clip", 0));
  a.input_forget = attr_or<std::int64_t>(call, "input_forget", 0) != 0;
  a.linear_before_reset = attr_or<std::int64_t>(call, "linear_before_reset", 0) != 0;
  const std::size_t dirs = a.direction == "bidirectional" ? 2 : 1;
  if (a.op == "LSTM") a.gates = 4, a.activations = rnn_activations(call, {"Sigmoid", "Tanh", "Tanh"}, dirs);
  else if (a.op == "GRU") a.gates = 3, a.activations = rnn_activations(call, {"Sigmoid", "Tanh"}, dirs);
  else a.gates = 1, a.activations = rnn_activations(call, {"Tanh"}, dirs);
  return a;
}

template <Step S>
Maybe<RunFn> prepare(const OpCall& call, ExecEnv&) {
  return RunFn([a = read_attributes(call)](KernelIo& io) { run(io, a, S); });
}

constexpr Kernel kKernels[] = {
    {"", "RNN", 1, kAnyVersion, prepare<step_rnn>},
    {"", "GRU", 1, kAnyVersion, prepare<step_gru>},
    {"", "LSTM", 1, kAnyVersion, prepare<step_lstm>},
    {"com.microsoft", "AttnLSTM", 1, kAnyVersion, prepare<step_lstm>},
};

}  // namespace

std::span<const Kernel> rnn_kernels() { return kKernels; }

}  // namespace onnxopt::ref
