// The work of `onnxopt convert`, apart from the command line.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/output_options.h"
#include "passes/opset/convert.h"

namespace onnxopt {

struct ConvertCommandOptions : OutputOptions {
  bool plan = false;
  bool widen_types = false;  // bfloat16, float8, int4, ... to what the target can hold
};

struct ConvertResult {
  OutputOpsets from, to;
  std::int64_t ir_from = 0, ir_to = 0;
  std::vector<std::string> notes;
  Conversion conversion;
  std::string blocked;     // not empty: nothing was written, and why
  bool comparable = true;  // false: widened types, so that there is nothing to compare with
  VerifiedSave saved;
  double total_ms = 0;
};

// Throws Error(gate_failed) if the result differs from the original: nothing is written then. A conversion that cannot finish is a result.
ConvertResult convert(const ConvertCommandOptions& o);

std::string convert_text(const ConvertCommandOptions& o, const ConvertResult& r);
nlohmann::json convert_json(const ConvertCommandOptions& o, const ConvertResult& r);  // without what print_json() puts in front

}  // namespace onnxopt
