// What optimize, convert and lower have in common: one model is read, one is written, checked before it gets its name.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/invocation.h"
#include "cli/commands/model_options.h"
#include "cli/commands/verified_save.h"

namespace onnxopt {

struct OutputOptions {
  std::string input, output;
  ModelOptions model;
  std::vector<std::string> opsets;           // --opset 13 or 13,ai.onnx.ml:2
  std::string target;                        // --target onnxruntime-cpu@1.17: what that release loads
  std::int64_t ir_version = 0;               // 0: the command decides
  std::optional<std::string> external_data;  // kBesideTheModel: no name was given
  std::uint64_t external_threshold = 1024;   // bytes
  bool infer_types = false, in_place = false;
  bool verify = true, require_verified = false;
  double verify_budget_s = 60;
  bool json = false, quiet = false, hash_data = false;
};

void add_output_options(Command cmd, OutputOptions& o);  // where and how the model is written
void add_verify_options(Command cmd, OutputOptions& o);
void add_report_options(Command cmd, OutputOptions& o);

// --in-place alone names the output too.
void take_in_place(OutputOptions& o);
// Throws Error(usage) for options that contradict each other.
void check_output_options(const OutputOptions& o);
// Throws Error(usage) if the model holds what this IR version does not have.
void check_ir_request(Model& m, std::int64_t ir_version);
WriteOptions write_options(const OutputOptions& o);
VerifiedSaveOptions verified_save_options(const OutputOptions& o);

// The standard output, unless the model goes there.
std::FILE* report_file(const OutputOptions& o);
// What the report says of files: names, hashes, external data.
void add_files(nlohmann::json& report, const OutputOptions& o, const VerifiedSave& saved);

}  // namespace onnxopt
