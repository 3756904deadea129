// com.microsoft MoE (onnxruntime docs/ContribOperators.md): each token goes through the k experts that its router finds likeliest.
#include "verify/kernels_ref/contrib_moe.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using Vec = std::vector<double>;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct Experts {
  std::string activation;
  int64_t k = 1, fusion = 0;  // of swiglu: 0: its second half is FC3, 1: interleaved in FC1, 2: behind the first half
  bool normalize = false;
  double alpha = 1, beta = 0;
  std::optional<double> limit;
};

// Weights [experts, rows, columns] and a bias [experts, rows], or none.
struct Layer {
  Vec weights, bias;
  int64_t experts = 0, rows = 0, columns = 0;
  Layer() = default;
  Layer(const KernelIo& io, std::size_t w, std::size_t b) {
    const Tensor& t = io.in(w);
    if (t.rank() != 3) bad_input(fmt::format("weights of {}", dims_text(t.dims())));
    experts = t.dims()[0], rows = t.dims()[1], columns = t.dims()[2];
    if (io.has(b) && io.in(b).dims() != Dims{experts, rows})
      bad_input(fmt::format("a bias of {} for {}", dims_text(io.in(b).dims()), dims_text(t.dims())));
    weights = widen<double>(t);
    if (io.has(b)) bias = widen<double>(io.in(b));
  }
  Vec apply(int64_t expert, const double* x) const {
    Vec y(at(rows));
    for (int64_t r = 0; r < rows; ++r) {
      const double* w = weights.data() + (expert * rows + r) * columns;
      y[at(r)] = std::inner_product(w, w + columns, x, bias.empty() ? 0.0 : bias[at(expert * rows + r)]);
    }
    return y;
  }
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double activate(const std::string& name, double x) {
  if (name == "relu") return std::max(x, 0.0);
  if (name == "silu") return x * sigmoid(x);
  if (name == "gelu") return 0.5 * x * (1 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
  return x;
}

double swiglu(const Experts& e, double gate, double linear) {
  if (e.limit) gate = std::min(gate, *e.limit), linear = std::clamp(linear, -*e.limit, *e.limit);
  return gate * sigmoid(e.alpha * gate) * (linear + e.beta);
}

// What FC1 (and FC3) make of a token, activated.
Vec hidden(const Experts& e, const Layer& first, const std::optional<Layer>& third, int64_t expert, const double* x) {
  Vec y = first.apply(expert, x);
  if (e.activation != "swiglu") {
    for (double& v : y) v = activate(e.activation, v);
    return y;
  }
  const Vec other = third ? third->apply(expert, x) : Vec();
  const std::size_t n = third ? y.size() : y.size() / 2;
  Vec out(n);
  for (std::size_t i = 0; i < n; ++i)
    out[i] = third ? swiglu(e, y[i], other[i]) : e.fusion == 1 ? swiglu(e, y[2 * i], y[2 * i + 1]) : swiglu(e, y[i], y[n + i]);
  return out;
}

// The chosen experts and their weights: a softmax over all, that of the chosen scaled to 1 if so asked.
std::vector<std::pair<int64_t, double>> route(const Experts& e, const double* logits, int64_t experts) {
  Ints order(at(experts));
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + e.k, order.end(),
                    [&](int64_t a, int64_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  double total = 0;
  for (int64_t i = 0; i < (e.normalize ? e.k : experts); ++i) total += std::exp(logits[order[at(i)]] - logits[order[0]]);
  std::vector<std::pair<int64_t, double>> chosen;
  for (int64_t i = 0; i < e.k; ++i) chosen.emplace_back(order[at(i)], std::exp(logits[order[at(i)]] - logits[order[0]]) / total);
  return chosen;
}

void run_moe(KernelIo& io, const Experts& e) {
  const Tensor &x = io.in(0), &router = io.in(1);
  const Layer first(io, 2, 3), second(io, 4, 5);
  std::optional<Layer> third;
  if (io.has(6)) third.emplace(io, 6, 7);
  const bool gated = e.activation == "swiglu";
  if (third.has_value() != (gated && e.fusion == 0)) bad_input("FC3 goes with swiglu that is not fused, and only with it");
  const int64_t size = x.rank() < 2 ? 0 : x.dims().back(), tokens = size == 0 ? 0 : x.size() / size;
  const int64_t inner = gated && e.fusion != 0 ? first.rows / 2 : first.rows;
  if (x.rank() < 2 || router.dims() != Dims{tokens, first.experts} || first.columns != size || second.columns != inner || second.rows != size ||
      second.experts != first.experts || e.k < 1 || e.k > first.experts || (gated && e.fusion != 0 && first.rows % 2 != 0) ||
      (third && (third->experts != first.experts || third->rows != first.rows || third->columns != size)))
    bad_input(fmt::format("k {} for an input {}, a router {}, weights {} and {}", e.k, dims_text(x.dims()), dims_text(router.dims()),
                          dims_text(io.in(2).dims()), dims_text(io.in(4).dims())));
  const Vec in = widen<double>(x), logits = widen<double>(router);
  Vec out(in.size());
  for (int64_t t = 0; t < tokens; ++t)
    for (const auto& [expert, weight] : route(e, logits.data() + t * first.experts, first.experts)) {
      const Vec y = second.apply(expert, hidden(e, first, third, expert, in.data() + t * size).data());
      for (int64_t i = 0; i < size; ++i) out[at(t * size + i)] += weight * y[at(i)];
    }
  io.set(0, narrow(x.dtype(), x.dims(), out));
}

Maybe<RunFn> prepare_moe(const OpCall& call, ExecEnv&) {
  Experts e;
  e.activation = attr_or<std::string>(call, "activation_type", "relu");
  e.k = attr_or<int64_t>(call, "k", 1);
  e.fusion = attr_or<int64_t>(call, "swiglu_fusion", 0);
  e.normalize = attr_or<int64_t>(call, "normalize_routing_weights", 0) != 0;
  e.alpha = attr_or<float>(call, "activation_alpha", 1);
  e.beta = attr_or<float>(call, "activation_beta", 0);
  if (has_attr(call, "swiglu_limit")) e.limit = attr<float>(call, "swiglu_limit");
  constexpr std::string_view kKnown[] = {"gelu", "identity", "relu", "silu", "swiglu"};
  if (std::find(std::begin(kKnown), std::end(kKnown), e.activation) == std::end(kKnown))
    bad_input("attribute 'activation_type': unknown " + e.activation);
  if (e.fusion < 0 || e.fusion > 2 || (e.limit && !(*e.limit >= 0))) bad_input("attributes 'swiglu_fusion' and 'swiglu_limit' are out of range");
  if (attr_or<int64_t>(call, "use_sparse_mixer", 0) != 0) return Maybe<RunFn>::none("the sparse mixer is not run here");
  return RunFn([e](KernelIo& io) { run_moe(io, e); });
}

constexpr Kernel kKernels[] = {{"com.microsoft", "MoE", 1, kAnyVersion, prepare_moe}};

}  // namespace

std::span<const Kernel> moe_kernels() { return kKernels; }

}  // namespace onnxopt::ref
