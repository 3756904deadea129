#include "node_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "ir/core/element.h"
#include "verify/exec/value_file.h"

namespace fs = std::filesystem;

namespace onnxopt {
namespace {

using Tolerance = NodeTestTolerance;

std::string dims_text(const Dims& d) { return fmt::format("[{}]", fmt::join(d, ",")); }

std::string compare(const RtValue& got, const RtValue& want, Tolerance tol);

template <class C>
std::string compare_numbers(const Tensor& got, const Tensor& want, Tolerance tol) {
  for (std::int64_t i = 0; i < want.size(); ++i) {
    const C a = load_element<C>(got.dtype(), got.bytes().data(), i), b = load_element<C>(want.dtype(), want.bytes().data(), i);
    bool same = a == b || (a != a && b != b);
    if constexpr (!std::is_integral_v<C>) same = same || std::abs(a - b) <= tol.absolute + tol.relative * std::abs(b);
    if (!same) {
      if constexpr (std::is_same_v<C, std::complex<double>>)
        return fmt::format("element {}: ({},{}), expected ({},{})", i, a.real(), a.imag(), b.real(), b.imag());
      else return fmt::format("element {}: {}, expected {}", i, a, b);
    }
  }
  return "";
}

std::string compare_tensors(const Tensor& got, const Tensor& want, Tolerance tol) {
  if (got.dtype() != want.dtype()) return fmt::format("{}, expected {}", dtype_name(got.dtype()), dtype_name(want.dtype()));
  if (got.dims() != want.dims()) return fmt::format("shape {}, expected {}", dims_text(got.dims()), dims_text(want.dims()));
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

std::string compare(const RtValue& got, const RtValue& want, Tolerance tol) {
  if (got.v.index() != want.v.index()) return fmt::format("value of kind {}, expected {}", got.v.index(), want.v.index());
  if (want.is_tensor()) return compare_tensors(got.tensor(), want.tensor(), tol);
  if (const auto* w = std::get_if<std::shared_ptr<const RtSequence>>(&want.v)) {
    const auto& g = std::get<std::shared_ptr<const RtSequence>>(got.v);
    if (g->size() != (*w)->size()) return fmt::format("{} elements, expected {}", g->size(), (*w)->size());
    for (std::size_t i = 0; i < g->size(); ++i)
      if (std::string why = compare((*g)[i], (**w)[i], tol); !why.empty()) return fmt::format("sequence element {}: {}", i, why);
  }
  if (const auto* w = std::get_if<std::shared_ptr<const RtMap>>(&want.v)) {
    const auto& g = std::get<std::shared_ptr<const RtMap>>(got.v);
    if (g->entries.size() != (*w)->entries.size()) return fmt::format("{} entries, expected {}", g->entries.size(), (*w)->entries.size());
    for (const auto& [key, value] : (*w)->entries) {
      auto it = std::find_if(g->entries.begin(), g->entries.end(), [&](const auto& e) { return e.first == key; });
      if (it == g->entries.end()) return "a key is missing";
      if (std::string why = compare(it->second, value, tol); !why.empty()) return "map entry: " + why;
    }
  }
  return "";
}

Tolerance read_tolerance(const fs::path& dir) {
  Tolerance t;
  std::ifstream in(dir / "tolerance.json");
  if (!in) return t;
  const auto json = nlohmann::json::parse(in);
  t.relative = json.value("rtol", t.relative);
  t.absolute = json.value("atol", t.absolute);
  return t;
}

Type declared(const Value& v) { return v.extra() && v.extra()->has_declared ? v.extra()->declared : v.type; }

NodeTestResult run_sets(Executor& executor, Model& model, const fs::path& dir) {
  const Tolerance tol = read_tolerance(dir);
  std::vector<fs::path> sets;
  for (const auto& e : fs::directory_iterator(dir))
    if (e.is_directory() && e.path().filename().string().starts_with("test_data_set_")) sets.push_back(e.path());
  std::sort(sets.begin(), sets.end());
  for (const fs::path& set : sets) {
    std::vector<RtValue> inputs;
    std::size_t file = 0;
    for (const Value* v : model.graph().inputs()) {
      const fs::path at = set / fmt::format("input_{}.pb", file++);
      if (v->constant()) continue;
      inputs.push_back(fs::exists(at) ? read_value_file(at, declared(*v)) : RtValue());
    }
    const std::vector<RtValue> got = executor.run(inputs);
    for (std::size_t i = 0; i < got.size(); ++i) {
      const fs::path at = set / fmt::format("output_{}.pb", i);
      if (!fs::exists(at)) continue;
      const RtValue want = read_value_file(at, declared(*model.graph().outputs()[i]));
      if (std::string why = compare(got[i], want, tol); !why.empty()) return {NodeTestResult::Outcome::failed, fmt::format("output {}: {}", i, why)};
    }
  }
  return {};
}

}  // namespace

NodeTestResult run_node_test(Model& model, const fs::path& folder) {
  using Outcome = NodeTestResult::Outcome;
  try {
    ExecOptions options;
    options.backends = {reference_kernels()};
    Executor executor(model, options);
    if (!executor.unsupported().empty())
      return {Outcome::refused, fmt::format("{}: {}", executor.unsupported()[0].node->op().name, executor.unsupported()[0].reason)};
    return run_sets(executor, model, folder);
  } catch (const std::exception& e) {
    return {Outcome::failed, e.what()};
  }
}

std::vector<fs::path> node_tests_in(const std::vector<std::string>& paths) {
  std::vector<fs::path> tests;
  for (const std::string& p : paths) {
    if (fs::exists(fs::path(p) / "model.onnx")) tests.emplace_back(p);
    else
      for (const auto& e : fs::directory_iterator(p))
        if (fs::exists(e.path() / "model.onnx")) tests.push_back(e.path());
  }
  std::sort(tests.begin(), tests.end());
  return tests;
}

}  // namespace onnxopt
