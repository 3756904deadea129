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

// By runtime, oldest first: runtime, release, newest opset, newest ai.onnx.ml (0: none), newest IR version, source. A release between two rows
// loads what the older one does.
constexpr RuntimeProfile kProfiles[] = {
    {"onnxruntime-cpu", "0.2", 8, 1, 3, kVersioning},  {"onnxruntime-cpu", "0.3", 9, 1, 3, kVersioning},
    {"onnxruntime-cpu", "0.4", 10, 1, 5, kVersioning}, {"onnxruntime-cpu", "1.0", 11, 2, 6, kVersioning},
    {"onnxruntime-cpu", "1.3", 12, 2, 6, kVersioning}, {"onnxruntime-cpu", "1.6", 13, 2, 7, kVersioning},
    {"onnxruntime-cpu", "1.8", 14, 2, 7, kVersioning}, {"onnxruntime-cpu", "1.9", 15, 2, 7, kVersioning},
    {"onnxruntime-cpu", "1.12", 17, 3, 8, kOrtCrate},  {"onnxruntime-cpu", "1.14", 18, 3, 8, kOrtCrate},
    {"onnxruntime-cpu", "1.15", 18, 3, 9, kMeasured},  {"onnxruntime-cpu", "1.16", 19, 3, 9, kMeasured},
    {"onnxruntime-cpu", "1.17", 20, 4, 9, kMeasured},  {"onnxruntime-cpu", "1.18", 21, 4, 10, kMeasured},
    {"onnxruntime-cpu", "1.20", 21, 5, 10, kMeasured}, {"onnxruntime-cpu", "1.21", 22, 5, 10, kMeasured},
    {"onnxruntime-cpu", "1.23", 23, 5, 11, kMeasured}, {"onnxruntime-cpu", "1.31", 26, 5, 13, kMeasured},
    {"openvino", "2023", 18, 0, 8, kMeasuredTests},    {"openvino", "2024", 20, 0, 9, kMeasuredTests},
    {"openvino", "2026", 22, 0, 10, kMeasuredTests},   {"tensorrt", "7.2", 13, 0, 7, kTensorRtDocs},
    {"tensorrt", "8.4", 17, 0, 8, kTensorRtDocs},      {"tensorrt", "9", 19, 0, 9, kTensorRtDocs},
    {"tensorrt", "10", 20, 0, 9, kTensorRtDocs},       {"tensorrt", "10.15", 24, 0, 12, kTensorRtDocs},
    {"tensorrt", "11", 25, 0, 13, kTensorRtGuide},
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
