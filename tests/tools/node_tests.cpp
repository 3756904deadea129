#include "node_tests.h"

#include "verify/conformance/conformance.h"

namespace fs = std::filesystem;

namespace onnxopt {

NodeTestResult run_node_test(Model& model, const fs::path& folder) {
  ConformanceOptions options;
  options.backends = {reference_kernels()};
  ConformanceResult r;
  run_conformance_model({folder.filename().string(), folder / "model.onnx", folder}, model, options, r);
  return {static_cast<NodeTestResult::Outcome>(r.outcome), r.why};
}

std::vector<fs::path> node_tests_in(const std::vector<std::string>& paths) {
  std::vector<fs::path> tests;
  for (const std::string& path : paths)
    for (const ConformanceTest& t : find_conformance_tests(path))
      if (!t.light) tests.push_back(t.folder);
  return tests;
}

}  // namespace onnxopt
