// Is an output the one that a test expects? Stored values by the test's tolerance, random ones by shape, type and statistics.
#pragma once

#include <string>
#include <vector>

#include "verify/exec/executor.h"

namespace onnxopt {

// |got - expected| <= absolute + relative * |expected|, as numpy.testing.assert_allclose has it; of bfloat16 the relative part is at least two
// rounding steps, unless it is 0.
struct ConformanceTolerance {
  double relative = 1e-3, absolute = 1e-7;
};

// "" where it is; else what differs first.
std::string compare_output(const RtValue& got, const RtValue& expected, ConformanceTolerance tolerance);

// Whether `expected` could be another draw from what made `draws` (outputs of runs with different seeds): same type and shape; mean and spread over
// all elements within kSigmas of what the draws have; each element among the values that its place takes, where those are few, else in their range.
std::string compare_random_output(const std::vector<RtValue>& draws, const RtValue& expected);

}  // namespace onnxopt
