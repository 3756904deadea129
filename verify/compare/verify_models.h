// Does a rewritten model compute what the original computes? Both run on the same seeded inputs through the reference executor; outputs are compared
// within the tolerance level of their types, tightened to what the original's own rounding explains (DESIGN 5).
#pragma once

#include <string>
#include <vector>

#include "verify/compare/tolerance.h"

namespace onnxopt {

// verified: every output compared and equal.  partly_verified: some part could not run (or was not reached within the budget), what could was equal.
// not_verified: nothing could be compared.  differs: an output is not equal, or the rewritten model does not run where the original does.
enum class Verdict { verified, partly_verified, not_verified, differs };
std::string_view verdict_text(Verdict v);

struct VerifyOptions {
  double budget_s = 60;
  int seeds = 3;  // input sets, as far as the budget allows; at least one
  Tolerance tolerance = Tolerance::rounding;
  std::vector<std::vector<RtValue>> given_inputs;  // used instead of seeded ones, in order of the reference's inputs
};

struct VerifyReport {
  Verdict verdict = Verdict::not_verified;
  std::string reason;                 // of anything but verified
  std::vector<ValueDiff> outputs;     // the worst over all runs
  std::size_t total_outputs = 0;      // of the original; `outputs` also holds the inputs of operators that were cut out
  std::vector<std::string> warnings;  // e.g. "output 'y' is all zeros: agreement proves little"
  std::string inputs_text;            // how symbolic dims were set
  int runs = 0;
  double ms = 0;
  // Every output is equal on values that could have differed. An explicit gate asks for this, not only for the verdict.
  bool trusted() const;
};

// Both models are lifted and inferred; they may be cut in place at operators that cannot run, so pass models that are not needed afterwards.
VerifyReport verify_models(Model& reference, Model& candidate, const VerifyOptions& options = {});

}  // namespace onnxopt
