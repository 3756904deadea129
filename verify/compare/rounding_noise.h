// How far the original's own rounding reaches. The original is run once more with every computed float moved by about one unit in its last place, as
// another order of summation would move it; what its outputs change by is what a right rewrite may change them by.
#pragma once

#include <unordered_set>
#include <utility>
#include <vector>

#include "ir/core/model.h"
#include "verify/compare/random.h"
#include "verify/compare/tolerance.h"

namespace onnxopt {

// A tap (Executor::Tap) that moves what nodes compute, but for the floats that say how large something is: a scale of Resize that is no longer 2
// gives an image of another size, with which nothing can be compared.
class RoundingNoise {
 public:
  RoundingNoise(Model& model, std::uint64_t seed);
  void operator()(const Value& value, RtValue& computed);

 private:
  Random random_;
  std::unordered_set<const Value*> sizes_;  // looked up only
};

// Moves the weights of a model, as folding a factor into them does, while the object lives. One weight is read at many places, so its rounding does
// not average out there as that of computed values does. Few elements are a parameter (scales of Resize, bounds of Clip) and stay.
class MovedWeights {
 public:
  MovedWeights(Model& model, std::uint64_t seed);
  ~MovedWeights();
  MovedWeights(const MovedWeights&) = delete;
  MovedWeights& operator=(const MovedWeights&) = delete;

 private:
  void restore();
  std::vector<std::pair<Value*, Tensor>> originals_;
};

// How often the measured noise is allowed: rewrites sum in other orders at many places at once, and one sample of the noise is not its largest.
inline constexpr double kNoiseMultiple = 8;
// Differences up to this part of the output's magnitude are not worth a measurement: a few units in the last place.
double rounding_floor(DType t);
// Lowers d.limit, the named level, to what the noise explains, never below the floor, and judges again.
void tighten(ValueDiff& d, double noise_abs);

}  // namespace onnxopt
