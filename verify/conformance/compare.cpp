#include "verify/conformance/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <complex>

#include "ir/core/element.h"

namespace onnxopt {
namespace {

// ONNX's own runner allows two steps of bfloat16, whatever the test says of its tolerance (onnx/backend/test/runner, assert_similar_outputs).
constexpr double kTwoStepsOfBfloat16 = 0x1p-6;

std::string dims_text(const Dims& d) { return fmt::format("[{}]", fmt::join(d, ",")); }

template <class C>
std::string compare_numbers(const Tensor& got, const Tensor& want, ConformanceTolerance tol) {
  for (std::int64_t i = 0; i < want.size(); ++i) {
    const C a = load_element<C>(got.dtype(), got.bytes().data(), i), b = load_element<C>(want.dtype(), want.bytes().data(), i);
    bool same = a == b || (a != a && b != b);
    if constexpr (!std::is_integral_v<C>) same = same || std::abs(a - b) <= tol.absolute + tol.relative * std::abs(b);
    if (same) continue;
    if constexpr (std::is_same_v<C, std::complex<double>>)
      return fmt::format("element {}: ({},{}), expected ({},{})", i, a.real(), a.imag(), b.real(), b.imag());
    else return fmt::format("element {}: {}, expected {}", i, a, b);
  }
  return "";
}

std::string compare_form(const Tensor& got, const Tensor& want) {
  if (got.dtype() != want.dtype()) return fmt::format("{}, expected {}", dtype_name(got.dtype()), dtype_name(want.dtype()));
  if (got.dims() != want.dims()) return fmt::format("shape {}, expected {}", dims_text(got.dims()), dims_text(want.dims()));
  return "";
}

std::string compare_tensors(const Tensor& got, const Tensor& want, ConformanceTolerance tol) {
  if (std::string why = compare_form(got, want); !why.empty()) return why;
  if (want.dtype() == DType::bfloat16 && tol.relative > 0) tol.relative = std::max(tol.relative, kTwoStepsOfBfloat16);
  switch (carrier_of(want.dtype())) {
    case Carrier::f64: return compare_numbers<double>(got, want, tol);
    case Carrier::i64: return compare_numbers<std::int64_t>(got, want, tol);
    case Carrier::u64: return compare_numbers<std::uint64_t>(got, want, tol);
    case Carrier::complex: return compare_numbers<std::complex<double>>(got, want, tol);
    default: break;
  }
  for (std::size_t i = 0; i < want.strings().size(); ++i)
    if (got.strings()[i] != want.strings()[i]) return fmt::format("element {}: \"{}\", expected \"{}\"", i, got.strings()[i], want.strings()[i]);
  return "";
}

std::string compare_sequences(const RtSequence& got, const RtSequence& want, ConformanceTolerance tol) {
  if (got.size() != want.size()) return fmt::format("{} elements, expected {}", got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    if (std::string why = compare_output(got[i], want[i], tol); !why.empty()) return fmt::format("sequence element {}: {}", i, why);
  return "";
}

std::string compare_maps(const RtMap& got, const RtMap& want, ConformanceTolerance tol) {
  if (got.entries.size() != want.entries.size()) return fmt::format("{} entries, expected {}", got.entries.size(), want.entries.size());
  for (const auto& [key, value] : want.entries) {
    const auto it = std::find_if(got.entries.begin(), got.entries.end(), [&, k = &key](const auto& e) { return e.first == *k; });
    if (it == got.entries.end()) return "a key is missing";
    if (std::string why = compare_output(it->second, value, tol); !why.empty()) return "map entry: " + why;
  }
  return "";
}

constexpr const char* kKinds[] = {"nothing", "a tensor", "a sequence", "a map", "a sparse tensor"};

struct Moments {
  double mean = 0, spread = 0;
};
Moments moments(const std::vector<double>& x) {
  Moments m;
  for (double v : x) m.mean += v / static_cast<double>(x.size());
  for (double v : x) m.spread += (v - m.mean) * (v - m.mean) / static_cast<double>(x.size());
  m.spread = std::sqrt(m.spread);
  return m;
}

constexpr double kSigmas = 5;  // 1 in 1.7 million by chance

// Is `value` a likely further member of `sample`?
std::string unlikely(const char* what, double value, const std::vector<double>& sample) {
  const Moments m = moments(sample);
  if (std::abs(value - m.mean) <= kSigmas * m.spread + 1e-9 * std::abs(m.mean)) return "";
  return fmt::format("the {} is {}, expected {} within {} of a spread of {}", what, value, m.mean, kSigmas, m.spread);
}

std::vector<double> numbers(const Tensor& t) {
  std::vector<double> x(static_cast<std::size_t>(t.size()));
  load_block<double>(t.dtype(), t.bytes().data(), 0, t.size(), x.data());
  return x;
}

std::string compare_place(std::size_t place, double value, std::vector<double> seen) {
  constexpr std::size_t kFew = 4;
  std::sort(seen.begin(), seen.end());
  const double low = seen.front(), high = seen.back();
  std::vector<double> distinct = seen;
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  if (distinct.size() <= kFew) {
    for (double d : distinct)
      if (std::abs(d - value) <= 1e-7 + 1e-3 * std::abs(d)) return "";
    return fmt::format("element {} is {}, which is none of {}", place, value, fmt::join(distinct, ", "));
  }
  if (value < low - (high - low) || value > high + (high - low))
    return fmt::format("element {} is {}, far outside of {} to {}", place, value, low, high);
  return "";
}

}  // namespace

std::string compare_output(const RtValue& got, const RtValue& want, ConformanceTolerance tol) {
  if (got.v.index() != want.v.index()) return fmt::format("{}, expected {}", kKinds[got.v.index()], kKinds[want.v.index()]);
  if (want.is_tensor()) return compare_tensors(got.tensor(), want.tensor(), tol);
  if (const auto* w = std::get_if<std::shared_ptr<const RtSequence>>(&want.v))
    return compare_sequences(*std::get<std::shared_ptr<const RtSequence>>(got.v), **w, tol);
  if (const auto* w = std::get_if<std::shared_ptr<const RtMap>>(&want.v))
    return compare_maps(*std::get<std::shared_ptr<const RtMap>>(got.v), **w, tol);
  if (const auto* w = std::get_if<std::shared_ptr<const SparseTensor>>(&want.v)) {
    const auto& g = std::get<std::shared_ptr<const SparseTensor>>(got.v);
    if (g->dims != (*w)->dims) return fmt::format("shape {}, expected {}", dims_text(g->dims), dims_text((*w)->dims));
    if (std::string why = compare_tensors(g->indices, (*w)->indices, tol); !why.empty()) return "indices: " + why;
    return compare_tensors(g->values, (*w)->values, tol);
  }
  return "";
}

std::string compare_random_output(const std::vector<RtValue>& draws, const RtValue& want) {
  ONNXOPT_CHECK(draws.size() > 1, "statistics of one draw");
  if (!want.is_tensor() || want.tensor().dtype() == DType::string || is_complex(want.tensor().dtype()))
    return "a random value that is no tensor of numbers";
  std::vector<double> means, spreads;
  std::vector<std::vector<double>> places(static_cast<std::size_t>(want.tensor().size()));
  for (const RtValue& d : draws) {
    if (!d.is_tensor()) return "a draw is no tensor";
    if (std::string why = compare_form(d.tensor(), want.tensor()); !why.empty()) return why;
    const std::vector<double> x = numbers(d.tensor());
    const Moments m = moments(x);
    means.push_back(m.mean);
    spreads.push_back(m.spread);
    for (std::size_t i = 0; i < x.size(); ++i) places[i].push_back(x[i]);
  }
  const std::vector<double> x = numbers(want.tensor());
  const Moments m = moments(x);
  if (std::string why = unlikely("mean of the stored output", m.mean, means); !why.empty()) return why;
  if (std::string why = unlikely("spread of the stored output", m.spread, spreads); !why.empty()) return why;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::string why = compare_place(i, x[i], std::move(places[i])); !why.empty()) return why;
  return "";
}

}  // namespace onnxopt
