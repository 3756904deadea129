// Small inputs for a model, ordinary and hostile: several sizes for each symbolic dim, NaN and infinities, the largest and smallest numbers.
#pragma once

#include <string>
#include <vector>

#include "verify/compare/random.h"
#include "verify/exec/executor.h"

namespace onnxopt::fuzz {

struct InputSet {
  std::vector<RtValue> values;  // in order of the inputs that are no constants
  bool finite = true;           // no NaN, no infinity, nothing huge
  bool special = false;         // NaN and infinities among ordinary numbers
  std::string text;             // for people
};
inline constexpr int kInputSets = 9;
// Set `which` of kInputSets. Throws Error(bad_input) if an input's type cannot be made up, or more than one independent dim would be 0.
InputSet make_inputs(Model& model, int which, std::uint64_t seed);

}  // namespace onnxopt::fuzz
