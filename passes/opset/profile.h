// What a release of a runtime loads: the newest opset and IR version, and the element types, from a checked-in table with its sources
// (docs/convert.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/core/dtype.h"
#include "ir/core/model.h"

namespace onnxopt {

using TypeSet = std::uint64_t;  // bit i: the DType of that number
inline constexpr TypeSet kEveryType = ~TypeSet{0};
constexpr bool has_type(TypeSet s, DType t) { return ((s >> static_cast<unsigned>(t)) & 1u) != 0; }

// Element types that a release loads. stored: those of them that it stores and casts, and computes nothing in.
struct LoadedTypes {
  TypeSet all = kEveryType, stored = 0;
  std::string_view source = {};  // empty: not known, nothing is refused
};

struct RuntimeProfile {
  std::string_view runtime, version;  // "onnxruntime-cpu", "1.17"
  int opset, ml_opset, ir_version;
  std::string_view source;
  LoadedTypes types = {};
};
std::span<const RuntimeProfile> runtime_profiles();

// "onnxruntime-cpu@1.17": the row of that release, or of the newest listed one before it; without a version the newest row.
// Throws Error(usage) for a runtime or a version that is not known.
const RuntimeProfile& find_profile(const std::string& text);
// Of the release that `text` names. Where a runtime of the same reader computes in more types, they are in.
LoadedTypes types_of(const std::string& text);
// "bfloat16 (stored), float8, int4, uint4": what it loads beyond the first types of ONNX; all of them where it lacks some of those. "-": not known.
std::string types_text(const LoadedTypes& t);
// No newer than the release knows; what is older it loads as it is.
void fit_to_profile(std::vector<OpsetImport>& imports, const RuntimeProfile& p);

}  // namespace onnxopt
