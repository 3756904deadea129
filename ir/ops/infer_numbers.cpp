// known_numbers: small exact numeric values behind casts and float arithmetic, as exporters write them for Resize and interpolation:
// Shape -> Gather -> Cast(float) -> Mul(2.0) -> Floor -> Cast(int64).
#include <cmath>

#include "ir/ops/infer_util.h"

namespace onnxopt::infer_util {
namespace {

constexpr int kMaxChain = 12;
using Numbers = std::vector<double>;

// Rounds to the element type's precision; nullopt where we do not emulate the type.
std::optional<double> rounded(DType t, double v) {
  if (t == DType::float64) return v;
  if (t == DType::float32) return static_cast<double>(static_cast<float>(v));
  if (is_integer(t) && t != DType::undefined) return v;
  return std::nullopt;
}

std::optional<Numbers> constant_numbers(const Tensor& t) {
  if (t.size() > static_cast<std::int64_t>(kMaxKnown)) return std::nullopt;
  Numbers r;
  const auto copy = [&](auto data) {
    for (const auto v : data) r.push_back(static_cast<double>(v));
  };
  switch (t.dtype()) {
    case DType::float32: copy(t.data<float>()); return r;
    case DType::float64: copy(t.data<double>()); return r;
    case DType::int32: copy(t.data<std::int32_t>()); return r;
    case DType::int64: copy(t.data<std::int64_t>()); return r;
    default: return std::nullopt;
  }
}

std::optional<Numbers> all_rounded(DType t, Numbers n) {
  for (double& v : n) {
    const std::optional<double> r = rounded(t, v);
    if (!r || std::abs(*r) > 9.0e15) return std::nullopt;
    v = *r;
  }
  return n;
}

std::optional<Numbers> unary_numbers(std::string_view op, DType t, Numbers n) {
  if (is_integer(t) && op != "Cast" && op != "Neg") return std::nullopt;
  for (double& v : n) {
    if (op == "Floor") v = std::floor(v);
    else if (op == "Ceil") v = std::ceil(v);
    else if (op == "Round") v = std::nearbyint(v);
    else if (op == "Neg") v = -v;
    else if (op == "Sqrt") v = std::sqrt(v);
    else if (op == "Cast" && is_integer(t)) v = std::trunc(v);
    else if (op != "Cast") return std::nullopt;
  }
  return all_rounded(t, std::move(n));
}

std::optional<Numbers> binary_numbers(std::string_view op, DType t, const Numbers& a, const Numbers& b) {
  if (is_integer(t)) return std::nullopt;  // known integers are propagated exactly elsewhere
  const std::size_t count = a.size() == 1 ? b.size() : a.size();
  if ((a.size() != count && a.size() != 1) || (b.size() != count && b.size() != 1)) return std::nullopt;
  Numbers r(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double x = a.size() == 1 ? a[0] : a[i], y = b.size() == 1 ? b[0] : b[i];
    if (op == "Add") r[i] = x + y;
    else if (op == "Sub") r[i] = x - y;
    else if (op == "Mul") r[i] = x * y;
    else if (op == "Div") r[i] = x / y;
    else return std::nullopt;
  }
  return all_rounded(t, std::move(r));
}

bool has_rank_at_most_1(const Value& v) { return v.type.has_rank() && v.type.rank() <= 1; }

}  // namespace

std::optional<std::vector<double>> known_numbers(const Value& value, int depth) {
  if (depth > kMaxChain || !has_rank_at_most_1(value)) return std::nullopt;
  if (const Tensor* t = constant_tensor(value)) return *t ? constant_numbers(*t) : std::nullopt;
  if (value.known) {
    Numbers r;
    for (const Dim& d : *value.known) {
      if (!d.is_value() || std::abs(static_cast<double>(d.value())) > 9.0e15) return std::nullopt;
      r.push_back(static_cast<double>(d.value()));
    }
    return r;
  }
  const Node* n = value.producer();
  if (!n || !n->op().domain.empty() || n->op().has(kOpaque) || n->inputs().empty() || n->has_ref_attrs()) return std::nullopt;
  const std::string_view op = n->op().name;
  const DType t = value.type.dtype;
  const auto operand = [&](std::size_t i) -> std::optional<Numbers> { return n->input(i) ? known_numbers(*n->input(i), depth + 1) : std::nullopt; };
  if (op == "Cast" || op == "Floor" || op == "Ceil" || op == "Round" || op == "Neg" || op == "Sqrt") {
    const std::optional<Numbers> x = operand(0);
    return x ? unary_numbers(op, t, *x) : std::nullopt;
  }
  if (op == "Identity" || op == "Squeeze" || op == "Unsqueeze" || op == "Reshape") return operand(0);
  if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div") {
    if (n->op().since < 7) return std::nullopt;
    const std::optional<Numbers> x = operand(0);
    const std::optional<Numbers> y = x ? operand(1) : std::nullopt;
    return y ? binary_numbers(op, t, *x, *y) : std::nullopt;
  }
  if (op == "Concat") {
    Numbers all;
    for (std::size_t i = 0; i < n->inputs().size(); ++i) {
      const std::optional<Numbers> x = operand(i);
      if (!x || all.size() + x->size() > kMaxKnown) return std::nullopt;
      all.insert(all.end(), x->begin(), x->end());
    }
    return all;
  }
  return std::nullopt;
}

}  // namespace onnxopt::infer_util
