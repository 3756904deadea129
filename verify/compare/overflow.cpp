#include "verify/compare/overflow.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "ir/core/element.h"

namespace onnxopt {
namespace {

// Of finite numbers these give infinities only by overflowing.
constexpr std::array<std::string_view, 14> kWithoutPoles = {
    "Add", "Conv", "Cosh", "Exp", "Gemm", "MatMul", "Mul", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Sinh", "Sub", "Sum", "ReduceL2"};

constexpr std::int64_t kBlock = 1024;

// visit(position, element)
template <class Visit>
void for_each_element(const Tensor& t, Visit&& visit) {
  double x[kBlock];
  for (std::int64_t first = 0; first < t.size(); first += kBlock) {
    const std::int64_t count = std::min(kBlock, t.size() - first);
    load_block<double>(t.dtype(), t.bytes().data(), first, count, x);
    for (std::int64_t i = 0; i < count; ++i) visit(first + i, x[i]);
  }
}

struct Found {
  bool infinite = false, not_finite = false;
};
Found look(const Tensor& t) {
  Found r;
  if (!is_float(t.dtype())) return r;
  for_each_element(t, [&](std::int64_t, double x) {
    r.infinite |= std::isinf(x);
    r.not_finite |= !std::isfinite(x);
  });
  return r;
}

}  // namespace

OverflowWatch::OverflowWatch(const std::vector<Value*>& values, const std::vector<RtValue>& inputs) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!inputs[i].is_tensor() || look(inputs[i].tensor()).not_finite) not_finite_.insert(values[i]);
}

bool OverflowWatch::finite(const Value& v) const { return !not_finite_.contains(&v) && !(v.constant() && look(*v.constant()).not_finite); }

void OverflowWatch::operator()(const Value& value, const RtValue& computed) {
  const Found found = computed.is_tensor() ? look(computed.tensor()) : Found{};
  if (!found.not_finite) return;
  not_finite_.insert(&value);
  const Node* n = value.producer();
  if (seen_ || !found.infinite || !n) return;
  if (std::none_of(kWithoutPoles.begin(), kWithoutPoles.end(), [&](std::string_view op) { return n->is(op); })) return;
  seen_ = std::all_of(n->inputs().begin(), n->inputs().end(), [&](const Value* v) { return !v || finite(*v); });
}

std::optional<RtValue> beside_overflow(const RtValue& reference, const RtValue& value) {
  if (!reference.is_tensor() || !value.is_tensor()) return std::nullopt;
  const Tensor &a = reference.tensor(), &b = value.tensor();
  if (a.dtype() != b.dtype() || a.dims() != b.dims() || !is_float(a.dtype())) return std::nullopt;
  std::vector<std::byte> bytes(b.bytes().begin(), b.bytes().end());
  bool any = false;
  for_each_element(a, [&](std::int64_t i, double x) {
    if (std::isfinite(x) || !std::isfinite(load_element<double>(b.dtype(), b.bytes().data(), i))) return;
    store_block<double>(b.dtype(), bytes.data(), i, 1, &x);
    any = true;
  });
  if (!any) return std::nullopt;
  RtValue r = value;
  r.v = Tensor::from_bytes(b.dtype(), b.dims(), std::move(bytes));
  return r;
}

}  // namespace onnxopt
