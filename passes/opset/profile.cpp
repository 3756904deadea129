#include "passes/opset/profile.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "ir/core/error.h"
#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

constexpr std::string_view kMeasured = "measured: models of every opset and IR version offered to the release";
constexpr std::string_view kMeasuredTests = "measured: the newest opset whose changed operators the release reads, by the ONNX node tests";
constexpr std::string_view kVersioning = "docs/Versioning.md of microsoft/onnxruntime";
constexpr std::string_view kOrtCrate = "version mapping in the documentation of the Rust crate ort";
constexpr std::string_view kTensorRtDocs = "docs/operators.md of onnx/onnx-tensorrt at that release";
constexpr std::string_view kTensorRtGuide = "ONNX Opset Guide of NVIDIA's TensorRT documentation";

constexpr std::string_view kMeasuredTypes = "measured: constants of each type through Cast, DequantizeLinear and Add";

constexpr TypeSet set_of(std::initializer_list<DType> list) {
  TypeSet s = 0;
  for (const DType t : list) s |= TypeSet{1} << static_cast<unsigned>(t);
  return s;
}
constexpr TypeSet kFirst = (TypeSet{1} << 16) - 1;  // to complex128
constexpr TypeSet kBf16 = set_of({DType::bfloat16});
constexpr TypeSet kFloat8 = set_of({DType::float8e4m3fn, DType::float8e4m3fnuz, DType::float8e5m2, DType::float8e5m2fnuz});
constexpr TypeSet kInt4 = set_of({DType::int4, DType::uint4});
constexpr TypeSet kInt2 = set_of({DType::int2, DType::uint2});

constexpr LoadedTypes kOrt115{kFirst | kBf16, kBf16, kMeasuredTypes};
constexpr LoadedTypes kOrt116{kFirst | kBf16 | kFloat8, kBf16, kMeasuredTypes};
constexpr LoadedTypes kOrt120{kFirst | kBf16 | kFloat8 | kInt4, kBf16, kMeasuredTypes};
constexpr LoadedTypes kOrt131{kFirst | kBf16 | kFloat8 | kInt4 | kInt2 | set_of({DType::float8e8m0}), kBf16, kMeasuredTypes};

constexpr LoadedTypes kOpenVino{kFirst | kBf16, 0, kMeasuredTypes};
constexpr LoadedTypes kOpenVino2026{kFirst | kBf16 | kInt4 | set_of({DType::float8e4m3fn, DType::float8e5m2}), 0, kMeasuredTypes};

// undefined: omitted values have no type. INT32, INT64 and DOUBLE are there with limits.
constexpr TypeSet kTensorRtFirst =
    set_of({DType::undefined, DType::float32, DType::float16, DType::float64, DType::int8, DType::int32, DType::int64, DType::boolean});
constexpr TypeSet kTensorRtLater = kTensorRtFirst | kBf16 | set_of({DType::float8e4m3fn, DType::uint8});
constexpr LoadedTypes kTrt7{kTensorRtFirst, 0, kTensorRtDocs};
constexpr LoadedTypes kTrt91{kTensorRtLater, 0, kTensorRtDocs};
constexpr LoadedTypes kTrt10{kTensorRtLater | set_of({DType::int4}), 0, kTensorRtDocs};
constexpr LoadedTypes kTrt1015{kTensorRtLater | set_of({DType::int4, DType::float4e2m1}), 0, kTensorRtDocs};
constexpr LoadedTypes kTrt11{kTrt1015.all, 0, "docs/operators.md of onnx/onnx-tensorrt at 10.15, the newest that lists them"};

// By runtime, oldest first: runtime, release, newest opset, newest ai.onnx.ml (0: none), newest IR version, source, types. A release between two rows
// loads what the older one does.
constexpr RuntimeProfile kProfiles[] = {
    {"onnxruntime-cpu", "0.2", 8, 1, 3, kVersioning},
    {"onnxruntime-cpu", "0.3", 9, 1, 3, kVersioning},
    {"onnxruntime-cpu", "0.4", 10, 1, 5, kVersioning},
    {"onnxruntime-cpu", "1.0", 11, 2, 6, kVersioning},
    {"onnxruntime-cpu", "1.3", 12, 2, 6, kVersioning},
    {"onnxruntime-cpu", "1.6", 13, 2, 7, kVersioning},
    {"onnxruntime-cpu", "1.8", 14, 2, 7, kVersioning},
    {"onnxruntime-cpu", "1.9", 15, 2, 7, kVersioning},
    {"onnxruntime-cpu", "1.12", 17, 3, 8, kOrtCrate},
    {"onnxruntime-cpu", "1.14", 18, 3, 8, kOrtCrate},
    {"onnxruntime-cpu", "1.15", 18, 3, 9, kMeasured, kOrt115},
    {"onnxruntime-cpu", "1.16", 19, 3, 9, kMeasured, kOrt116},
    {"onnxruntime-cpu", "1.17", 20, 4, 9, kMeasured, kOrt116},
    {"onnxruntime-cpu", "1.18", 21, 4, 10, kMeasured, kOrt116},
    {"onnxruntime-cpu", "1.20", 21, 5, 10, kMeasured, kOrt120},
    {"onnxruntime-cpu", "1.21", 22, 5, 10, kMeasured, kOrt120},
    {"onnxruntime-cpu", "1.23", 23, 5, 11, kMeasured, kOrt120},
    {"onnxruntime-cpu", "1.31", 26, 5, 13, kMeasured, kOrt131},
    {"openvino", "2023", 18, 0, 8, kMeasuredTests, kOpenVino},
    {"openvino", "2024", 20, 0, 9, kMeasuredTests, kOpenVino},
    {"openvino", "2026", 22, 0, 10, kMeasuredTests, kOpenVino2026},
    {"tensorrt", "7.2", 13, 0, 7, kTensorRtDocs, kTrt7},
    {"tensorrt", "8.4", 17, 0, 8, kTensorRtDocs, kTrt7},
    {"tensorrt", "9", 19, 0, 9, kTensorRtDocs, kTrt7},
    {"tensorrt", "9.1", 19, 0, 9, kTensorRtDocs, kTrt91},
    {"tensorrt", "10", 20, 0, 9, kTensorRtDocs, kTrt10},
    {"tensorrt", "10.15", 24, 0, 12, kTensorRtDocs, kTrt1015},
    {"tensorrt", "11", 25, 0, 13, kTensorRtGuide, kTrt11},
};

std::string known(std::string_view runtime) {
  std::string s;
  std::string_view last;
  for (const RuntimeProfile& p : kProfiles) {
    if (!runtime.empty() && p.runtime != runtime) continue;
    const std::string_view item = runtime.empty() ? p.runtime : p.version;
    if (item != last) s += (s.empty() ? "" : ", ") + std::string(item);
    last = item;
  }
  return s;
}

// Major and minor; "2024" is (2024, 0).
std::pair<int, int> version_of(std::string_view text, const std::string& option) {
  std::pair<int, int> v{0, 0};
  const char* end = text.data() + text.size();
  std::from_chars_result r = std::from_chars(text.data(), end, v.first);
  if (r.ec == std::errc() && r.ptr != end && *r.ptr == '.') r = std::from_chars(r.ptr + 1, end, v.second);
  if (r.ec != std::errc() || (r.ptr != end && *r.ptr != '.'))
    throw Error(ExitCode::usage, fmt::format("--target {}: '{}' is not a version", option, text));
  return v;
}

}  // namespace

std::span<const RuntimeProfile> runtime_profiles() { return kProfiles; }

LoadedTypes types_of(const std::string& text) {
  LoadedTypes t = find_profile(text).types;
  if (text.starts_with("onnxruntime-cuda")) t.stored = 0;  // its kernels compute in bfloat16
  return t;
}

std::string types_text(const LoadedTypes& t) {
  if (t.source.empty()) return "-";
  std::string s;
  const auto add = [&](std::string_view name) { s += (s.empty() ? "" : ", ") + std::string(name); };
  const bool plain = (t.all & kFirst) == kFirst;
  for (int i = plain ? 16 : 1; i < kNumDTypes; ++i) {
    const auto type = static_cast<DType>(i);
    if (!has_type(t.all, type)) continue;
    const bool whole = (t.all & kFloat8) == kFloat8;
    if (whole && has_type(kFloat8, type)) {
      if (type == DType::float8e4m3fn) add("float8");
      continue;
    }
    add(std::string(dtype_name(type)) + (has_type(t.stored, type) ? " (stored)" : ""));
  }
  return s.empty() ? "none" : s;
}

void fit_to_profile(std::vector<OpsetImport>& imports, const RuntimeProfile& p) {
  for (OpsetImport& i : imports) {
    const std::string_view domain = canonical_domain(i.domain);
    const int newest = domain.empty() ? p.opset : domain == "ai.onnx.ml" ? p.ml_opset : 0;
    if (newest != 0 && i.version > newest) i.version = newest;
  }
}

const RuntimeProfile& find_profile(const std::string& text) {
  const auto at = text.find('@');
  std::string runtime = text.substr(0, at);
  if (runtime == "onnxruntime" || runtime == "onnxruntime-cuda") runtime = "onnxruntime-cpu";  // the same reader of models
  const RuntimeProfile* found = nullptr;
  bool any = false;
  for (const RuntimeProfile& p : kProfiles) {
    if (p.runtime != runtime) continue;
    any = true;
    if (at == std::string::npos || version_of(p.version, text) <= version_of(std::string_view(text).substr(at + 1), text)) found = &p;
  }
  if (!any)
    throw Error(ExitCode::usage, fmt::format("--target {}: known runtimes are {}, onnxruntime-cuda (--target list prints all)", text, known("")));
  if (!found) throw Error(ExitCode::usage, fmt::format("--target {}: too old; known versions are {}", text, known(runtime)));
  return *found;
}

}  // namespace onnxopt
