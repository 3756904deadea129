// The work of `onnxopt convert`, apart from the command line.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/model_options.h"
#include "passes/opset/convert.h"
#include "verify/compare/verify_models.h"

namespace onnxopt {

struct ConvertCommandOptions {
  std::string input, output;
  ModelOptions model;
  std::vector<std::string> opsets;  // --opset 13 or 13,ai.onnx.ml:2
  std::string target;               // --target onnxruntime-cpu@1.17: what that release loads
  std::int64_t ir_version = 0;
  std::optional<std::string> external_data;
  std::uint64_t external_threshold = 1024;
  bool plan = false, in_place = false, infer_types = false;
  bool widen_types = false;  // bfloat16, float8, int4, ... to what the target can hold
  bool verify = true, require_verified = false;
  double verify_budget_s = 60;
  bool json = false, quiet = false;
};

struct ConvertResult {
  OutputOpsets from, to;
  std::int64_t ir_from = 0, ir_to = 0;
  std::vector<std::string> notes;
  Conversion conversion;
  std::string blocked;  // not empty: nothing was written, and why
  std::optional<VerifyReport> verification;
  bool comparable = true;  // false: widened types, so that there is nothing to compare with
  WriteResult written;
  double total_ms = 0;
};

// Throws Error(gate_failed) if the result differs from the original: nothing is written then. A conversion that cannot finish is a result.
ConvertResult convert(const ConvertCommandOptions& o);

std::string convert_text(const ConvertCommandOptions& o, const ConvertResult& r);
nlohmann::json convert_json(const ConvertCommandOptions& o, const ConvertResult& r);

}  // namespace onnxopt
