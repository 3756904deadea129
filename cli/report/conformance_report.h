// What `onnxopt conformance` prints and writes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "verify/conformance/conformance.h"

namespace onnxopt {

// A table of operators (all, or those with failures or refusals), the tests that did not pass, the sums.
std::string conformance_text(const ConformanceSummary& s, bool only_problems);
nlohmann::json conformance_json(const ConformanceSummary& s, const std::string& backend);
// One test suite an operator; refused tests are skipped ones.
std::string conformance_junit(const ConformanceSummary& s);

}  // namespace onnxopt
