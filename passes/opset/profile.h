// What a release of a runtime loads: the newest opset and IR version, from a checked-in table with its sources (docs/convert.md).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

struct RuntimeProfile {
  std::string_view runtime, version;  // "onnxruntime-cpu", "1.17"
  int opset, ml_opset, ir_version;
  std::string_view source;
};
std::span<const RuntimeProfile> runtime_profiles();

// "onnxruntime-cpu@1.17": the row of that release, or of the newest listed one before it; without a version the newest row.
// Throws Error(usage) for a runtime or a version that is not known.
const RuntimeProfile& find_profile(const std::string& text);
// No newer than the release knows; what is older it loads as it is.
void fit_to_profile(std::vector<OpsetImport>& imports, const RuntimeProfile& p);

}  // namespace onnxopt
