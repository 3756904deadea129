// Runs one case: what its author wrote and the checks that nobody has to write.
#pragma once

#include <string>
#include <vector>

#include "tests/case_runner/case_file.h"

namespace onnxopt::cases {

struct Outcome {
  std::vector<std::string> failures;  // empty: passed
  std::vector<std::string> skipped;   // checks that could not be made, counted and printed: no kernel, ...
  bool fired = false;                 // the pass changed a graph of the case
  std::string after;                  // what AFTER would have to say, if only that differs
};

// Of every graph of the case: it parses, is valid and infers; the pass says honestly whether it changed it; the result is valid, equals AFTER (or
// BEFORE), computes the same on seeded inputs, does not change again, and survives a binary round trip; the reason of UNCHANGED shows in --explain.
Outcome run_case(const CaseFile& file, const PassCase& c);
// The reference kernel gives the literal outputs.
Outcome run_case(const CaseFile& file, const KernelCase& c);

}  // namespace onnxopt::cases
