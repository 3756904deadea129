#include "verify/compare/rounding_noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "ir/core/element.h"
#include "verify/exec/deadline.h"

namespace onnxopt {
namespace {

constexpr std::int64_t kBlock = 1024;

double root_mean_square(DType t, const std::byte* base, std::int64_t n) {
  double sum = 0, block[kBlock];
  for (std::int64_t first = 0; first < n; first += kBlock) {
    const std::int64_t count = std::min(kBlock, n - first);
    load_block<double>(t, base, first, count, block);
    for (std::int64_t i = 0; i < count; ++i)
      if (std::isfinite(block[i])) sum += block[i] * block[i];
  }
  return std::sqrt(sum / static_cast<double>(n));
}

// Two moves an element: in proportion to itself, and (where it is a sum) to what was summed, of which the tensor's size is the best guess.
Tensor moved(const Tensor& t, bool is_sum, Random& random) {
  const std::int64_t n = t.size();
  const double ulp = unit_in_last_place(t.dtype());
  std::vector<std::byte> bytes(t.bytes().begin(), t.bytes().end());
  const double highest = highest_value(t.dtype());
  const double spread = is_sum ? ulp * root_mean_square(t.dtype(), bytes.data(), n) : 0;
  double block[kBlock];
  DeadlineWatch watch;
  for (std::int64_t first = 0; first < n; first += kBlock) {
    const std::int64_t count = std::min(kBlock, n - first);
    watch.did(8 * count);
    load_block<double>(t.dtype(), bytes.data(), first, count, block);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint64_t bits = random.next();
      const double a = static_cast<double>(static_cast<std::int32_t>(bits)) * 0x1p-31,
                   b = static_cast<double>(static_cast<std::int32_t>(bits >> 32)) * 0x1p-31;
      const double to = block[i] + a * ulp * block[i] + b * spread;
      if (std::abs(to) <= highest) block[i] = to;  // infinities stay (they would become NaN), and the masks that stand for them
    }
    store_block<double>(t.dtype(), bytes.data(), first, count, block);
  }
  return Tensor::from_bytes(t.dtype(), t.dims(), std::move(bytes));
}

// A cast into a type that holds every value of the other rounds nothing: an exponent of 3 stays 3.
bool is_exact_cast(const Node& n) {
  if (!(n.is("Cast") || n.is("CastLike")) || !n.input(0)) return false;
  const double from = unit_in_last_place(n.input(0)->type.dtype);
  return from == 0 || from >= unit_in_last_place(n.output(0)->type.dtype);
}

bool gives_size(const Node& n, std::size_t input) { return n.is("Range") || ((n.is("Resize") || n.is("Upsample")) && input > 0); }
bool is_vector(const Value& v) { return v.type.has_rank() && v.type.rank() <= 1; }

}  // namespace

RoundingNoise::RoundingNoise(Model& model, std::uint64_t seed) : random_(seed) {
  std::vector<const Value*> open;
  const auto add = [&](const Value* v) {
    if (v && v->producer() && is_vector(*v) && sizes_.insert(v).second) open.push_back(v);
  };
  for (Graph* root : model.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (const Node& n : g.nodes())
        for (std::size_t i = 0; i < n.inputs().size(); ++i)
          if (gives_size(n, i)) add(n.input(i));
    });
  while (!open.empty()) {
    const Value* v = open.back();
    open.pop_back();
    for (const Value* input : v->producer()->inputs()) add(input);
  }
}

void RoundingNoise::operator()(const Value& value, RtValue& computed) {
  if (!value.producer() || !computed.is_tensor() || computed.tensor().size() == 0 || sizes_.contains(&value)) return;
  const OpSchema& op = value.producer()->op();
  if (unit_in_last_place(computed.tensor().dtype()) == 0 || op.has(kDataMovement) || op.has(kQuantize) || op.has(kControlFlow)) return;
  if (is_exact_cast(*value.producer())) return;
  computed.v = moved(computed.tensor(), !op.has(kElementwise), random_);
}

MovedWeights::MovedWeights(Model& model, std::uint64_t seed) {
  constexpr std::int64_t kFewest = 16;
  Random random(seed);
  const auto move_all = [&](Graph& g) {
    for (Value* v : g.constants()) {
      const Tensor& t = *v->constant();
      if (t.size() < kFewest || unit_in_last_place(t.dtype()) == 0) continue;
      originals_.emplace_back(v, t);
      g.set_constant(*v, moved(originals_.back().second, false, random));
    }
  };
  try {
    for (Graph* root : model.root_graphs()) for_each_graph(*root, move_all);
  } catch (...) {  // no time: the model must not stay half moved
    restore();
    throw;
  }
}
MovedWeights::~MovedWeights() { restore(); }
void MovedWeights::restore() {
  for (auto& [v, t] : originals_) v->graph()->set_constant(*v, std::move(t));
}

double rounding_floor(DType t) {
  constexpr double kUnits = 16;
  const double ulp = unit_in_last_place(t);
  return std::min(kUnits * ulp, relative_limit(t, Tolerance::rounding));
}

void tighten(ValueDiff& d, double noise_abs) {
  const double named = d.limit;
  d.noise = noise_abs;
  const double explained = std::max(kNoiseMultiple * noise_abs, rounding_floor(d.dtype) * d.scale);
  d.limit = std::min(named, explained / judged_scale(d));
  if (d.max_rel <= d.limit) return;
  d.equal = false;
  d.reason = fmt::format("largest difference {:.3g} of the largest magnitude; the original's own rounding explains {:.3g}", d.max_rel, d.limit);
}

}  // namespace onnxopt
