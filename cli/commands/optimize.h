// The work of `onnxopt optimize`, apart from the command line, so that bisect can run it again with other fuel.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/model_options.h"
#include "cli/report/file_hashes.h"
#include "cli/report/model_stats.h"
#include "passes/core/manager.h"
#include "verify/compare/verify_models.h"

namespace onnxopt {

struct OptimizeOptions {
  std::string input, output;
  ModelOptions model;
  int level = 2;
  std::optional<std::string> passes;  // --passes TEXT; "" runs nothing
  std::vector<std::string> disable, keep_nodes;
  std::vector<std::string> opsets;  // --opset 17 or 17,ai.onnx.ml:3
  std::string target;               // --target onnxruntime-cpu@1.17
  std::int64_t ir_version = 0;
  bool inline_functions = false, keep_overridable = false, restore = true, infer_types = false, in_place = false;
  std::optional<std::string> external_data;
  std::uint64_t external_threshold = 1024;
  std::string max_growth;  // "1048576", "25%"; empty: max(1 MiB, 10 %)
  bool verify = true, require_verified = false;
  double verify_budget_s = 60;
  std::int64_t fuel = -1;
  std::string explain, print_after, dump_dir;
  bool print_changed = false, verify_each = false, check_each = false, time_passes = false;
  bool json = false, quiet = false, hash_data = false;
};

struct OptimizeResult {
  std::unique_ptr<Model> model;  // as it was written; freeing millions of nodes takes a while, so the caller says when
  GraphStats before, after;
  std::uint64_t bytes_before = 0, bytes_after = 0;
  std::vector<PassRun> passes;
  std::vector<RewriteEvent> events;  // the first 100,000
  std::map<std::string, RuleTotal, std::less<>> totals;
  std::vector<std::string> explanations, notes;
  std::vector<std::string> removed_inputs;  // initializers that were also inputs and are gone
  std::string pipeline, time_table;
  LiftReport lift;
  std::optional<VerifyReport> verification;
  WriteResult written;
  std::optional<FileHashes> input_files, output_files;  // for the JSON report
  double load_ms = 0, passes_ms = 0, save_ms = 0, total_ms = 0;
};

// Throws Error(gate_failed) if the result differs from the original: nothing is written then.
OptimizeResult optimize(const OptimizeOptions& o);
OutputOpsets parse_opsets(const Model& m, const std::vector<std::string>& texts);  // --opset
std::uint64_t model_bytes(const Model& m, const std::string& file);                // the file and its external data

std::string optimize_text(const OptimizeOptions& o, const OptimizeResult& r);
nlohmann::json optimize_json(const OptimizeOptions& o, const OptimizeResult& r);

}  // namespace onnxopt
