// com.microsoft MoE and QMoE (onnxruntime docs/ContribOperators.md): each token goes through the k experts that its router finds likeliest.
#include "verify/kernels_ref/contrib_moe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using Vec = std::vector<double>;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct Experts {
  std::string activation;
  int64_t k = 1, fusion = 0;     // of swiglu: 0: its second half is FC3, 1: interleaved in FC1, 2: behind the first half
  bool normalize = false;        // the softmax is that of the chosen experts alone
  bool normalize_given = false;  // weights that are given (QMoE) are scaled to 1
  double alpha = 1, beta = 0;
  std::optional<double> limit;
  int64_t block = 0;              // of quantized weights: columns that share a scale; 0: the whole row
  std::array<int64_t, 3> bits{};  // of FC1, FC2, FC3
};

// Where QMoE has the inputs of one projection.
struct Packed {
  std::size_t weights, scales, bias, zeros;
};

// Element i of a row of packed elements, the lowest bits first.
double unpack(const std::uint8_t* row, int64_t i, int64_t bits) { return (row[i * bits / 8] >> (i * bits % 8)) & ((1 << bits) - 1); }

// Weights [experts, rows, columns] and a bias [experts, rows], or none.
struct Layer {
  Vec weights, bias;
  int64_t experts = 0, rows = 0, columns = 0;
  Layer(const KernelIo& io, std::size_t w, std::size_t b) : Layer(io, w, b, 8) { weights = widen<double>(io.in(w)); }
  Layer(const KernelIo& io, Packed in, int64_t bits, int64_t block) : Layer(io, in.weights, in.bias, bits) { dequantize(io, in, bits, block); }
  Layer(const KernelIo& io, std::size_t w, std::size_t b, int64_t bits) {
    const Tensor& t = io.in(w);
    if (t.rank() != 3) bad_input(fmt::format("weights of {}", dims_text(t.dims())));
    experts = t.dims()[0], rows = t.dims()[1], columns = t.dims()[2] * 8 / bits;
    if (io.has(b) && io.in(b).dims() != Dims{experts, rows})
      bad_input(fmt::format("a bias of {} for {}", dims_text(io.in(b).dims()), dims_text(t.dims())));
    if (io.has(b)) bias = widen<double>(io.in(b));
  }
  // (element - zero point) * scale; zero points are packed as the weights are: by row, or by block within a row.
  void dequantize(const KernelIo& io, Packed in, int64_t bits, int64_t block) {
    const Tensor &t = io.in(in.weights), &s = io.in(in.scales);
    if (t.dtype() != DType::uint8) bad_input(fmt::format("packed weights of type {}", dtype_name(t.dtype())));
    const bool blocked = block > 0 && s.rank() == 3;
    const int64_t blocks = blocked ? (columns + block - 1) / block : 1, row_bytes = t.dims()[2], per_byte = 8 / bits;
    const Dims zero_dims = blocked ? Dims{experts, rows, (blocks + per_byte - 1) / per_byte} : Dims{experts, (rows + per_byte - 1) / per_byte};
    if (s.size() != experts * rows * blocks || (io.has(in.zeros) && io.in(in.zeros).dims() != zero_dims))
      bad_input(fmt::format("scales {} and zero points {} for weights {}", dims_text(s.dims()),
                            io.has(in.zeros) ? dims_text(io.in(in.zeros).dims()) : "none", dims_text(t.dims())));
    const auto bytes_of = [](const Tensor& x) { return reinterpret_cast<const std::uint8_t*>(x.bytes().data()); };
    const std::uint8_t *data = bytes_of(t), *zeros = io.has(in.zeros) ? bytes_of(io.in(in.zeros)) : nullptr;
    const Vec scales = widen<double>(s);
    weights.resize(at(experts * rows * columns));
    for (int64_t r = 0; r < experts * rows; ++r)
      for (int64_t c = 0; c < columns; ++c) {
        const int64_t b = blocked ? c / block : 0;
        double zero = 1 << (bits - 1);
        if (zeros && blocked) zero = unpack(zeros + r * zero_dims[2], b, bits);
        else if (zeros) zero = unpack(zeros + r / rows * zero_dims[1], r % rows, bits);
        weights[at(r * columns + c)] = (unpack(data + r * row_bytes, c, bits) - zero) * scales[at(r * blocks + b)];
      }
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

// The same experts, weighted by other numbers; weights that are not above zero count for nothing.
std::vector<std::pair<int64_t, double>> weigh(const Experts& e, std::vector<std::pair<int64_t, double>> chosen, const double* weights) {
  double total = 0;
  for (auto& [expert, weight] : chosen) total += weight = weights[expert];
  for (auto& [expert, weight] : chosen) {
    if (e.normalize_given) weight = total == 0 ? 0 : weight / total;
    if (!(weight > 1e-8)) weight = 0;
  }
  return chosen;
}

void mix(KernelIo& io, const Experts& e, const Layer& first, const Layer& second, const std::optional<Layer>& third, const Tensor* weights) {
  const Tensor &x = io.in(0), &router = io.in(1);
  const bool gated = e.activation == "swiglu";
  if (third.has_value() != (gated && e.fusion == 0)) bad_input("FC3 goes with swiglu that is not fused, and only with it");
  const int64_t size = x.rank() < 2 ? 0 : x.dims().back(), tokens = size == 0 ? 0 : x.size() / size;
  const int64_t inner = gated && e.fusion != 0 ? first.rows / 2 : first.rows;
  if (x.rank() < 2 || router.dims() != Dims{tokens, first.experts} || first.columns != size || second.columns != inner || second.rows != size ||
      second.experts != first.experts || e.k < 1 || e.k > first.experts || (gated && e.fusion != 0 && first.rows % 2 != 0) ||
      (third && (third->experts != first.experts || third->rows != first.rows || third->columns != size)))
    bad_input(fmt::format("k {} for an input {}, a router {}, {} experts of {}x{} and {} of {}x{}", e.k, dims_text(x.dims()),
                          dims_text(router.dims()), first.experts, first.rows, first.columns, second.experts, second.rows, second.columns));
  if (weights && weights->dims() != router.dims()) bad_input(fmt::format("router_weights of {}", dims_text(weights->dims())));
  const Vec in = widen<double>(x), logits = widen<double>(router), given = weights ? widen<double>(*weights) : Vec();
  Vec out(in.size());
  for (int64_t t = 0; t < tokens; ++t) {
    std::vector<std::pair<int64_t, double>> chosen = route(e, logits.data() + t * first.experts, first.experts);
    if (weights) chosen = weigh(e, std::move(chosen), given.data() + t * first.experts);
    for (const auto& [expert, weight] : chosen) {
      const Vec y = second.apply(expert, hidden(e, first, third, expert, in.data() + t * size).data());
      for (int64_t i = 0; i < size; ++i) out[at(t * size + i)] += weight * y[at(i)];
    }
  }
  io.set(0, narrow(x.dtype(), x.dims(), out));
}

void run_moe(KernelIo& io, const Experts& e) {
  const Layer first(io, 2, 3), second(io, 4, 5);
  std::optional<Layer> third;
  if (io.has(6)) third.emplace(io, 6, 7);
  mix(io, e, first, second, third, nullptr);
}

void run_qmoe(KernelIo& io, const Experts& e) {
  const Layer first(io, Packed{2, 3, 4, 11}, e.bits[0], e.block), second(io, Packed{5, 6, 7, 12}, e.bits[1], e.block);
  std::optional<Layer> third;
  if (io.has(8)) third.emplace(io, Packed{8, 9, 10, 13}, e.bits[2], e.block);
  mix(io, e, first, second, third, io.has(14) ? &io.in(14) : nullptr);
}

Experts read_experts(const OpCall& call) {
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
  return e;
}

bool is_mixed(const OpCall& call) { return attr_or<int64_t>(call, "use_sparse_mixer", 0) != 0; }

Maybe<RunFn> prepare_moe(const OpCall& call, ExecEnv&) {
  const Experts e = read_experts(call);
  if (is_mixed(call)) return Maybe<RunFn>::none("the sparse mixer is not run here");
  return RunFn([e](KernelIo& io) { run_moe(io, e); });
}

Maybe<RunFn> prepare_qmoe(const OpCall& call, ExecEnv&) {
  Experts e = read_experts(call);
  e.normalize_given = std::exchange(e.normalize, true);  // as ONNX Runtime's kernel for the CPU does
  const auto bits = attr_or<int64_t>(call, "expert_weight_bits", 4);
  e.bits = {attr_or<int64_t>(call, "fc1_expert_weight_bits", bits), attr_or<int64_t>(call, "fc2_expert_weight_bits", bits),
            attr_or<int64_t>(call, "fc3_expert_weight_bits", bits)};
  for (int64_t b : e.bits)
    if (b != 2 && b != 4 && b != 8) bad_input(fmt::format("weights of {} bits", b));
  e.block = attr_or<int64_t>(call, "block_size", 0);
  if (e.block < 0) bad_input(fmt::format("attribute 'block_size' is {}", e.block));
  if (is_mixed(call)) return Maybe<RunFn>::none("the sparse mixer is not run here");
  if (attr_or<std::string>(call, "quant_type", "int") != "int") return Maybe<RunFn>::none("only integer weights are run here");
  if (attr_or<int64_t>(call, "weights_prepacked", -1) == 1) return Maybe<RunFn>::none("weights in a layout of one device are not run here");
  return RunFn([e](KernelIo& io) { run_qmoe(io, e); });
}

constexpr Kernel kKernels[] = {
    {"com.microsoft", "MoE", 1, kAnyVersion, prepare_moe},
    {"com.microsoft", "QMoE", 1, kAnyVersion, prepare_qmoe},
};

}  // namespace

std::span<const Kernel> moe_kernels() { return kKernels; }

}  // namespace onnxopt::ref
