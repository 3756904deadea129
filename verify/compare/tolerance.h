// How far two run-time values are apart, and which distance is fair for their element type. Tolerances are named levels a dtype, not loose floats.
#pragma once

#include <string>
#include <string_view>

#include "verify/exec/executor.h"

namespace onnxopt {

// exact: bit-equal (NaN equals NaN).  rounding: what reassociation within float32 arithmetic may change; the named limit of a type is an upper bound,
// verify_models() lowers it to what the rounding of the model at hand explains (rounding_noise.h).
enum class Tolerance { exact, rounding };

struct ValueDiff {
  std::string name;
  DType dtype = DType::undefined;
  double scale = 0;        // largest finite magnitude of the reference
  double noise = -1;       // what rounding changes the reference by, absolute; -1: was not measured
  double max_abs = 0;      // over finite elements
  double max_rel = 0;      // max_abs over scale (1e-3 at least): the figure that is judged
  double limit = 0;        // the largest max_rel allowed
  double sqnr_db = 0;      // +inf where equal
  bool is_output = true;   // false: the input of an operator that was cut out
  bool equal = false;      // within the limit; shapes, dtypes, positions of NaN and Inf agree
  bool vacuous = false;    // the reference is empty, all zeros, constant or not finite: agreement proves nothing
  std::string reason;      // why not equal, or why vacuous
  std::string trusted_by;  // of a vacuous output: the inner values that were compared instead; "": it proves nothing
  bool trusted() const { return !vacuous || !trusted_by.empty(); }
};

// The reason of an output that is vacuous only because it does not vary within itself; it may vary from one input to the next.
inline constexpr std::string_view kAllEqual = "all elements are equal";

// What max_abs is held against: the scale, but an output that is zero but for noise is not judged on its own noise.
double judged_scale(const ValueDiff& d);

// Largest max_rel that `level` allows for element type `t`: 0 for integers, bool, strings.
double relative_limit(DType t, Tolerance level);
// Judges again on the level of `computed`, the type in which the value was computed, where that is coarser than its own.
void allow(ValueDiff& d, DType computed);
// Sequences, maps and optionals are compared element by element; the worst element counts. Throws Error(gate_failed) past the Deadline in force.
ValueDiff compare_values(const std::string& name, const RtValue& reference, const RtValue& value, Tolerance level);

}  // namespace onnxopt
