#include "tests/case_runner/special_values.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "ir/core/element.h"
#include "verify/compare/random.h"
#include "verify/compare/seeded_inputs.h"

namespace onnxopt::cases {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kSpecial[] = {std::numeric_limits<double>::quiet_NaN(), kInfinity, -kInfinity, -0.0, 0.0};
constexpr int kKinds = 6;  // one of them at a time, then all together

std::vector<double> numbers(const Tensor& t) {
  std::vector<double> x(static_cast<std::size_t>(t.size()));
  load_block<double>(t.dtype(), t.bytes().data(), 0, t.size(), x.data());
  return x;
}

bool takes_special_values(DType t) { return t == DType::float32 || t == DType::float64 || t == DType::float16 || t == DType::bfloat16; }

RtValue poisoned(const RtValue& v, int kind, Random& random) {
  if (!v.is_tensor() || !takes_special_values(v.tensor().dtype())) return v;
  const Tensor& t = v.tensor();
  std::vector<double> x = numbers(t);
  for (double& e : x)
    if (random.below(3) == 0) e = kSpecial[kind < 5 ? kind : random.below(5)];
  std::vector<std::byte> bytes(t.bytes().size());
  store_block<double>(t.dtype(), bytes.data(), 0, t.size(), x.data());
  return Tensor::from_bytes(t.dtype(), t.dims(), std::move(bytes));
}

std::string difference_of(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.dims() != b.dims()) return "another type or shape";
  if (a.same_content(b)) return "";
  if (!takes_special_values(a.dtype())) return "other elements";
  const std::vector<double> x = numbers(a), y = numbers(b);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!(std::isnan(x[i]) && std::isnan(y[i])) && (x[i] != y[i] || std::signbit(x[i]) != std::signbit(y[i])))
      return fmt::format("element {}: {} against {}", i, x[i], y[i]);
  return "";
}

std::string describe(const std::vector<RtValue>& inputs) {
  std::string text;
  for (const RtValue& v : inputs)
    if (v.is_tensor() && takes_special_values(v.tensor().dtype()) && v.tensor().size() <= 64)
      text += fmt::format(" [{}]", fmt::join(numbers(v.tensor()), ","));
  return text;
}

}  // namespace

std::string special_value_difference(Model& reference, Model& candidate) {
  SeededInputs seeded(reference);
  Random random(7);
  for (int kind = 0; kind < kKinds; ++kind) {
    std::vector<RtValue> inputs, wanted;
    try {
      for (const RtValue& v : seeded.make(0, static_cast<std::uint64_t>(kind), InputStyle::centered)) inputs.push_back(poisoned(v, kind, random));
      wanted = Executor(reference).run(inputs);
    } catch (const Error&) {
      continue;  // what the reference refuses says nothing
    }
    const std::vector<RtValue> got = Executor(candidate).run(inputs);
    for (std::size_t i = 0; i < wanted.size() && i < got.size(); ++i) {
      if (!wanted[i].is_tensor() || !got[i].is_tensor()) continue;
      if (const std::string d = difference_of(wanted[i].tensor(), got[i].tensor()); !d.empty())
        return fmt::format("output '{}', {} for inputs{}", reference.graph().outputs()[i]->name(), d, describe(inputs));
    }
  }
  return "";
}

}  // namespace onnxopt::cases
