// Seeded inputs for a model, as its author would feed it: types, shapes and likely meaning (token ids below the size of the table that they index,
// masks, positions, lengths, images in [0, 1)). Deterministic: the same model, attempt, style and seed give the same values everywhere.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "verify/compare/input_uses.h"
#include "verify/exec/executor.h"

namespace onnxopt {

class Random;

// likely: floats in [0, 1), masks of ones.  centered: floats in [-1, 1), masks that end early, as of a padded batch.  wide: images in [0, 255), other
// floats in [-8, 8), integers [-high, high) where the others have [0, high).
enum class InputStyle { likely, centered, wide };
// What another run does to the sizes of symbolic dims, so that a rewrite that holds for one size only is seen.
enum class OtherSizes { none, batch, all };

class SeededInputs {
 public:
  // `model` is lifted and inferred. make() throws Error(bad_input) if some input's type cannot be made up (opaque types).
  explicit SeededInputs(Model& model);
  // Number of different assignments of symbolic dims that are worth trying, likeliest first.
  int attempts() const;
  // Values in order of graph().inputs() without constants.
  std::vector<RtValue> make(int attempt, std::uint64_t seed, InputStyle style = InputStyle::likely, OtherSizes sizes = OtherSizes::none);
  // make() throws Error(gate_failed) when this time has passed: large inputs take a while.
  void stop_at(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }
  // "batch=1, seq=16": how the symbolic dims were set in the last make().
  std::string dims_text() const;

 private:
  struct Plan {
    Value* value;
    std::int64_t index_limit;  // ids must stay below it; 0: none
    bool flag;                 // zeros and ones
    DivisorRole divisor;
    std::vector<std::int64_t> wanted;  // its elements, if it has as many
  };
  RtValue make_value(const std::string& name, const Type& type, const Plan& plan, Random& random);
  RtValue make_tensor_value(const std::string& name, const Type& type, const Plan& plan, Random& random);
  RtValue make_sparse(const std::string& name, const Type& type, const Plan& plan, Random& random);
  Dims make_dims(const std::string& name, const Type& type);

  std::int64_t sequence_length();
  void assign_dims();

  Model& model_;
  std::vector<Plan> plans_;
  int attempt_ = 0;
  std::int64_t fixed_ = 1;  // the largest dim that some input states as a number
  std::int64_t length_ = 4;
  std::int64_t elements_ = 0;  // made so far
  OtherSizes other_sizes_ = OtherSizes::none;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  InputStyle style_ = InputStyle::likely;
  std::map<std::string, std::int64_t> dims_;
};

}  // namespace onnxopt
