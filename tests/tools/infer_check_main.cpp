// Holds inference against execution: every value that the reference executor computes in a test folder must have the element type, rank, sizes and
// known elements that inference gave it, with one size for each symbol. Each model is tried as it is in the file and lifted.
//   onnxopt_infer_check DIR...     (folders as of the ONNX backend tests, or folders of them)
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "ir/io/io.h"
#include "ir/ops/infer.h"
#include "passes/opset/opset.h"
#include "tests/tools/inferred_types.h"
#include "verify/exec/value_file.h"

namespace fs = std::filesystem;
using namespace onnxopt;

namespace {

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
    InferredTypes checker(*m);
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
