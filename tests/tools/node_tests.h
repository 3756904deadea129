// ONNX backend test folders (model.onnx, tolerance.json, test_data_set_*/input_*.pb, output_*.pb): running one and comparing what comes out.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "verify/exec/executor.h"

namespace onnxopt {

struct NodeTestResult {
  enum class Outcome { passed, failed, refused };
  Outcome outcome = Outcome::passed;
  std::string why;
};

// Feeds every data set of `folder` to the model and compares with the stored outputs. Inputs are declared by the model's graph.
NodeTestResult run_node_test(Model& model, const std::filesystem::path& folder);
// Folders with a model.onnx: `paths` themselves, or what stands in them, sorted.
std::vector<std::filesystem::path> node_tests_in(const std::vector<std::string>& paths);

}  // namespace onnxopt
