// The work of `onnxopt optimize`, apart from the command line, so that bisect can run it again with other fuel.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/output_options.h"
#include "cli/report/model_stats.h"
#include "passes/core/manager.h"
#include "verify/compare/verify_models.h"

namespace onnxopt {

struct OptimizeOptions : OutputOptions {
  int level = 2;
  std::optional<std::string> passes;  // --passes TEXT; "" runs nothing
  std::vector<std::string> disable, keep_nodes;
  bool inline_functions = false, keep_overridable = false, restore = true;
  std::string max_growth;  // "1048576", "25%"; empty: max(1 MiB, 10 %)
  std::int64_t fuel = -1;
  std::string explain, print_after, dump_dir;
  bool print_changed = false, verify_each = false, check_each = false, time_passes = false;
};

struct OptimizeResult {
  std::unique_ptr<Model> model;  // as it was written; freeing millions of nodes takes a while, so the caller says when
  GraphStats before, after;
  std::uint64_t bytes_before = 0, bytes_after = 0;
  std::vector<PassRun> passes;
  std::vector<RewriteEvent> events;  // the first 100,000
  std::map<std::string, RuleTotal, std::less<>> totals;
  std::vector<std::string> explanations, notes;
  std::vector<std::pair<std::string, std::vector<std::string>>> equal_dims;  // a name of a dim, and the inputs that are taken to agree in it
  std::vector<std::string> removed_inputs;                                   // initializers that were also inputs and are gone
  std::string pipeline, time_table;
  LiftReport lift;
  VerifiedSave saved;
  double load_ms = 0, passes_ms = 0, total_ms = 0;
};

// Throws Error(gate_failed) if the result differs from the original: nothing is written then.
OptimizeResult optimize(const OptimizeOptions& o);
OutputOpsets parse_opsets(const Model& m, const std::vector<std::string>& texts);  // --opset
std::uint64_t model_bytes(const Model& m, const std::string& file);                // the file and its external data

void add_rewrite_options(Command c, OptimizeOptions& o);  // which rewrites are allowed, of every command that runs the passes as optimize does

std::string optimize_text(const OptimizeOptions& o, const OptimizeResult& r);
nlohmann::json optimize_json(const OptimizeOptions& o, const OptimizeResult& r);  // without what print_json() puts in front

}  // namespace onnxopt
