// How far two run-time values are apart, and which distance is fair for their element type. Tolerances are named levels a dtype, not loose floats.
#pragma once

#include <string>

#include "verify/exec/executor.h"

namespace onnxopt {

// exact: bit-equal (NaN equals NaN).  rounding: what reassociation within float32 arithmetic may change.
enum class Tolerance { exact, rounding };

struct ValueDiff {
  std::string name;
  double max_abs = 0;    // over finite elements
  double max_rel = 0;    // max_abs over the largest finite magnitude of the reference (1e-3 at least): the figure that is judged
  double limit = 0;      // the largest max_rel allowed
  double sqnr_db = 0;    // +inf where equal
  bool equal = false;    // within the limit; shapes, dtypes, positions of NaN and Inf agree
  bool vacuous = false;  // the reference is empty, all zeros, constant or not finite: agreement proves nothing
  std::string reason;    // why not equal, or why vacuous
};

// Largest max_rel that `level` allows for element type `t`: 0 for integers, bool, strings.
double relative_limit(DType t, Tolerance level);
// Sequences, maps and optionals are compared element by element; the worst element counts.
ValueDiff compare_values(const std::string& name, const RtValue& reference, const RtValue& value, Tolerance level);

}  // namespace onnxopt
