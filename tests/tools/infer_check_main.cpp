// Holds inference against execution: every value that the reference executor computes in a test folder must have the element type, rank, sizes and
// known elements that inference gave it, with one size for each symbol. Each model is tried as it is in the file and lifted.
//   onnxopt_infer_check DIR...     (folders as of the ONNX backend tests, or folders of them)
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "ir/core/element.h"
#include "ir/io/io.h"
#include "ir/ops/infer.h"
#include "passes/opset/opset.h"
#include "verify/exec/executor.h"
#include "verify/exec/value_file.h"

namespace fs = std::filesystem;
using namespace onnxopt;

namespace {

class Checker {
 public:
  explicit Checker(Model& m) : model_(m), symbols_(m.symbols()) {}

  void value(const Value& v, const RtValue& actual) {
    if (v.graph() != &model_.graph()) return;  // a symbol of a body means something else each time
    ++checked;
    typed(v, v.type, actual);
    if (v.known && actual.is_tensor()) known(v, actual.tensor());
  }
  std::vector<std::string> wrong;
  std::size_t checked = 0, unknown = 0;

 private:
  void say(const Value& v, const std::string& what) {
    const std::string op = v.producer() ? std::string(v.producer()->op().name) : "input";
    wrong.push_back(fmt::format("{} '{}': {}", op, v.name(), what));
  }
  void typed(const Value& v, const Type& t, const RtValue& actual) {
    if (actual.empty()) return;
    if (const auto* s = std::get_if<std::shared_ptr<const RtSequence>>(&actual.v)) {
      if (t.kind != Type::Kind::unknown && t.kind != Type::Kind::sequence && t.kind != Type::Kind::optional) say(v, "a sequence was computed");
      if (t.kind == Type::Kind::sequence && t.elem)
        for (const RtValue& e : **s) element(v, *t.elem, e);
      return;
    }
    if (!actual.is_tensor()) return;
    if (t.kind == Type::Kind::optional) return t.elem ? typed(v, *t.elem, actual) : void();
    if (t.kind == Type::Kind::unknown) {
      ++unknown;
      return;
    }
    if (t.kind != Type::Kind::tensor) return say(v, "a tensor was computed");
    tensor(v, t, actual.tensor(), true);
  }
  // Elements of a sequence have sizes of their own: a symbol there is not one size.
  void element(const Value& v, const Type& t, const RtValue& e) {
    if (e.is_tensor() && t.kind == Type::Kind::tensor) tensor(v, t, e.tensor(), false);
  }
  void tensor(const Value& v, const Type& t, const Tensor& actual, bool bind) {
    if (t.dtype != DType::undefined && t.dtype != actual.dtype())
      say(v, fmt::format("inferred {}, computed {}", dtype_name(t.dtype), dtype_name(actual.dtype())));
    if (!t.shape) {
      ++unknown;
      return;
    }
    bool fits = t.shape->size() == actual.dims().size();
    for (std::size_t d = 0; fits && d < t.shape->size(); ++d) fits = size_is((*t.shape)[d], actual.dims()[d], bind);
    if (!fits) say(v, fmt::format("inferred [{}], computed [{}]", text(*t.shape), fmt::join(actual.dims(), ", ")));
  }
  void known(const Value& v, const Tensor& actual) {
    std::vector<std::int64_t> got(static_cast<std::size_t>(actual.size()));
    if (carrier_of(actual.dtype()) != Carrier::i64 && carrier_of(actual.dtype()) != Carrier::u64) return;
    for (std::size_t i = 0; i < got.size(); ++i)
      got[i] = load_element<std::int64_t>(actual.dtype(), actual.bytes().data(), static_cast<std::int64_t>(i));
    bool fits = v.known->size() == got.size();
    for (std::size_t i = 0; fits && i < got.size(); ++i) fits = size_is((*v.known)[i], got[i], false);
    if (!fits) say(v, fmt::format("known to be {{{}}}, computed {{{}}}", text(*v.known), fmt::join(got, ", ")));
  }
  bool size_is(Dim d, std::int64_t n, bool bind) {
    if (d.is_value()) return d.value() == n;
    if (d.is_unknown()) return true;
    const Dim now = symbols_.substitute(d, sizes_);
    if (now.is_value()) return now.value() == n;
    const std::string name = symbols_.to_string(d);
    if (bind && !sizes_.contains(name) && same(symbols_.substitute(d, {{name, Dim(7)}}), Dim(7))) sizes_[name] = Dim(n);
    return true;
  }
  std::string text(const std::vector<Dim>& dims) const {
    std::string r;
    for (const Dim& d : dims) r += (r.empty() ? "" : ", ") + symbols_.to_string(d);
    return r;
  }

  Model& model_;
  SymbolTable& symbols_;
  std::unordered_map<std::string, Dim> sizes_;
};

std::vector<RtValue> inputs_of(const Model& m, const fs::path& set) {
  std::vector<RtValue> inputs;
  std::size_t file = 0;
  for (const Value* v : m.graph().inputs()) {
    const fs::path at = set / fmt::format("input_{}.pb", file++);
    if (v->constant()) continue;
    inputs.push_back(fs::exists(at) ? read_value_file(at, v->extra() && v->extra()->has_declared ? v->extra()->declared : v->type) : RtValue());
  }
  return inputs;
}

struct Counts {
  std::size_t models = 0, values = 0, unknown = 0, wrong = 0;
};

void check_test(const fs::path& dir, bool lifted, Counts& counts) {
  const std::string name = dir.filename().string() + (lifted ? " (lifted)" : "");
  bool ran = false;
  const auto report = [&](const std::string& what) {
    ++counts.wrong;
    fmt::print("WRONG {}: {}\n", name, what);
  };
  try {
    const auto raw = read_model(dir / "model.onnx");
    ExecOptions options;
    options.backends = {reference_kernels()};
    const auto inputs = inputs_of(*raw, dir / "test_data_set_0");
    Executor(*raw, options).run(inputs);
    ran = true;  // what runs must be inferred and lifted
    const auto m = read_model(dir / "model.onnx");
    if (lifted) lift(*m);
    else infer(*m);
    Checker checker(*m);
    Executor executor(*m, options);
    const auto given = inputs_of(*m, dir / "test_data_set_0");
    std::size_t i = 0;
    for (const Value* v : m->graph().inputs())
      if (!v->constant()) checker.value(*v, given[i++]);
    const auto results = executor.run(given, [&](const Value& v, RtValue& actual) { checker.value(v, actual); });
    for (std::size_t k = 0; k < results.size(); ++k) checker.value(*m->graph().outputs()[k], results[k]);
    for (const std::string& w : checker.wrong) report(w);
    ++counts.models;
    counts.values += checker.checked;
    counts.unknown += checker.unknown;
  } catch (const Error& e) {
    if (ran) report(std::string("it runs, but ") + e.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  Counts counts;
  for (int i = 1; i < argc; ++i) {
    std::vector<fs::path> tests;
    if (fs::exists(fs::path(argv[i]) / "model.onnx")) tests.emplace_back(argv[i]);
    else
      for (const auto& e : fs::directory_iterator(argv[i]))
        if (fs::exists(e.path() / "model.onnx")) tests.push_back(e.path());
    std::sort(tests.begin(), tests.end());
    for (const fs::path& t : tests)
      for (const bool lifted : {false, true}) check_test(t, lifted, counts);
  }
  fmt::print("{} runs, {} values as inferred, {} of them without a rank or type, {} wrong\n", counts.models, counts.values - counts.wrong,
             counts.unknown, counts.wrong);
  return counts.wrong != 0;
}
