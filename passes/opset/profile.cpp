#include "passes/opset/profile.h"

#include <fmt/format.h>

#include <charconv>
#include <tuple>
#include <utility>

#include "ir/core/error.h"

namespace onnxopt {
namespace {

constexpr std::string_view kMeasured = "measured: models of every opset and IR version offered to the release";
constexpr std::string_view kVersioning = "docs/Versioning.md of microsoft/onnxruntime";
constexpr std::string_view kTensorRtDocs = "docs/operators.md of onnx/onnx-tensorrt";
constexpr std::string_view kTensorRtGuide = "ONNX Opset Guide of NVIDIA's TensorRT documentation";

// By runtime, oldest first. A release between two rows loads what the older one does.
constexpr RuntimeProfile kProfiles[] = {
    {"onnxruntime-cpu", "0.4", 10, 1, 5, kVersioning}, {"onnxruntime-cpu", "1.0", 11, 2, 6, kVersioning},
    {"onnxruntime-cpu", "1.3", 12, 2, 6, kVersioning}, {"onnxruntime-cpu", "1.15", 18, 3, 9, kMeasured},
    {"onnxruntime-cpu", "1.16", 19, 3, 9, kMeasured},  {"onnxruntime-cpu", "1.17", 20, 3, 9, kMeasured},
    {"onnxruntime-cpu", "1.18", 21, 3, 10, kMeasured}, {"onnxruntime-cpu", "1.21", 22, 3, 10, kMeasured},
    {"onnxruntime-cpu", "1.23", 23, 3, 11, kMeasured}, {"onnxruntime-cpu", "1.31", 26, 3, 13, kMeasured},
    {"tensorrt", "7.2", 13, 0, 7, kTensorRtDocs},      {"tensorrt", "8.4", 13, 0, 7, kTensorRtDocs},
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
  auto [at, error] = std::from_chars(text.data(), end, v.first);
  if (error == std::errc() && at != end && *at == '.') std::tie(at, error) = [&] {
      const auto r = std::from_chars(at + 1, end, v.second);
      return std::make_tuple(r.ptr, r.ec);
    }();
  if (error != std::errc() || (at != end && *at != '.')) throw Error(ExitCode::usage, fmt::format("--target {}: '{}' is not a version", option, text));
  return v;
}

}  // namespace

std::span<const RuntimeProfile> runtime_profiles() { return kProfiles; }

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
  if (!any) throw Error(ExitCode::usage, fmt::format("--target {}: known runtimes are {}, onnxruntime-cuda", text, known("")));
  if (!found) throw Error(ExitCode::usage, fmt::format("--target {}: too old; known versions are {}", text, known(runtime)));
  return *found;
}

}  // namespace onnxopt
