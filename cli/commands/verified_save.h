// Saving with a check: the written file is compared with the original before it takes its final name.
#pragma once

#include <optional>
#include <string>

#include "cli/commands/model_options.h"
#include "cli/report/file_hashes.h"
#include "cli/report/progress.h"
#include "verify/compare/verify_models.h"

namespace onnxopt {

// Value of --external-data without a file name.
inline constexpr std::string_view kBesideTheModel = "<model>.data";

struct VerifiedSaveOptions {
  std::string input, output;
  ModelOptions model;  // how the original was read
  bool verify = true, require_verified = false;
  // Both files run as they are, each node by the kernel of its own version, nothing lifted: so the check does not depend on lifting.
  bool as_filed = false;
  double verify_budget_s = 60;
  std::string hint = {};                       // what to do about a result that differs
  bool hash_files = false, hash_data = false;  // for the JSON report
};

struct VerifiedSave {
  WriteResult written;
  std::optional<VerifyReport> verification;
  double save_ms = 0;  // without the check
  std::optional<FileHashes> input_files, output_files;
};

// A gate failed, and this is what the check found.
class RefusedResult : public Error {
 public:
  RefusedResult(const std::string& message, VerifyReport report) : Error(ExitCode::gate_failed, message), verification(std::move(report)) {}
  VerifyReport verification;
};

// Throws RefusedResult if the result differs from the original: nothing is written then.
VerifiedSave save_verified(Model& model, const SaveOptions& save, const VerifiedSaveOptions& o, Progress& progress);
// What can be known before the work is done: the output is not the input unless that is wanted, can be written, and will be read as a model, not as
// text.
void check_output_file(const std::string& input, const std::string& output, bool in_place);
void refuse_newer(const Model& m, const ModelOptions& o);  // opsets beyond the table, unless --assume-opset
std::string verification_text(bool wanted, const std::optional<VerifyReport>& v);

}  // namespace onnxopt
