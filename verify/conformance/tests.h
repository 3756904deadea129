// The tests of ONNX backends as files: a folder with model.onnx and test_data_set_N/{input,output}_N.pb, or a "light" model NAME.onnx beside its
// NAME_output_N.pb, whose inputs are 0, 1/n, 2/n, ...
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "verify/conformance/compare.h"

namespace onnxopt {

struct ConformanceTest {
  std::string name;
  std::filesystem::path model;
  std::filesystem::path folder;  // of a light model: where its outputs lie
  bool light = false;
};

// All tests under `root` at any depth, sorted by path. Throws Error(bad_input) if there is no such folder or no test in it.
std::vector<ConformanceTest> find_conformance_tests(const std::filesystem::path& root);

struct ConformanceData {
  std::vector<RtValue> inputs;                            // in order of graph().inputs() without constants
  std::vector<std::pair<std::size_t, RtValue>> expected;  // position of an output, and its value
};
// The data sets of a test for `model`.
std::vector<ConformanceData> read_conformance_data(const ConformanceTest& test, Model& model);
// What tolerance.json of the test says, else the defaults of ONNX's own runner.
ConformanceTolerance read_conformance_tolerance(const ConformanceTest& test);

}  // namespace onnxopt
