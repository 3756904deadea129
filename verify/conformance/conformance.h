// Runs tests of ONNX backends (verify/conformance/tests.h) on an executor.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "verify/conformance/tests.h"
#include "verify/exec/executor.h"

namespace onnxopt {

// disputed: it would be failed, but another release of ONNX contradicts the stored data (verify/conformance/disputed.h)
enum class ConformanceOutcome : std::uint8_t { passed, failed, refused, disputed };

struct ConformanceResult {
  std::string name, op;  // op: of a model of one node its operator, else "(graphs)"
  ConformanceOutcome outcome = ConformanceOutcome::passed;
  std::string why;         // empty where passed
  std::size_t random = 0;  // outputs judged by statistics, because an operator with the nondeterminism trait made them
  double milliseconds = 0;
};

struct ConformanceOptions {
  std::vector<std::span<const Kernel>> backends;
  bool lift = true;  // bring the model to the newest opset first, as every command does
};

// The same for a model that is read already, and is what the options want. Random operators lose their `seed`.
void run_conformance_model(const ConformanceTest& test, Model& model, const ConformanceOptions& options, ConformanceResult& result);
ConformanceResult run_conformance_test(const ConformanceTest& test, const ConformanceOptions& options);

struct ConformanceSummary {
  struct Counts {
    std::size_t passed = 0, failed = 0, refused = 0, disputed = 0,
                random = 0;  // random: of the passed and failed, those with outputs judged by statistics
    void add(const ConformanceResult& r);
  };
  Counts total;
  std::map<std::string, Counts> by_operator;
  std::vector<ConformanceResult> results;
  void add(ConformanceResult r);
};

}  // namespace onnxopt
