// Pass, its context and the explicit table of passes. A pass is one function: true exactly if it changed something.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/core/evaluator.h"
#include "ir/core/model.h"
#include "passes/opset/opset.h"

namespace onnxopt {

enum class Level { o1 = 1, o2 = 2, o3 = 3 };

// One committed rewrite, for the report, --explain, fuel and bisect.
struct RewriteEvent {
  std::string rule, node;
  std::vector<std::string> from_nodes;
  int removed_nodes = 0, added_nodes = 0;
  std::int64_t grown_bytes = 0;
};

struct RuleTotal {
  std::size_t hits = 0;
  std::int64_t removed_nodes = 0, added_nodes = 0, grown_bytes = 0;
};

// --explain RULE[@node]: the nearest miss.
struct ExplainRequest {
  std::string rule, node;
};

struct GrowthBudget {
  std::int64_t left_bytes = 0;
  bool take(std::int64_t bytes) {
    if (bytes > left_bytes) return false;
    left_bytes -= bytes;
    return true;
  }
};

struct RuleStats {
  std::size_t tries = 0, hits = 0;
  double ms = 0;
};

struct PassContext {
  Model* model = nullptr;
  Evaluator* evaluator = nullptr;  // never null while passes run
  OutputOpsets output;             // trial lowering target of the main graph; function bodies: their own
  Level level = Level::o2;
  GrowthBudget growth;                  // DESIGN 4: max(1 MiB, 10 %) for the whole run
  std::int64_t fuel = -1;               // rewrites still allowed; -1: unlimited. take_fuel() before every commit
  std::vector<std::string> disabled;    // rule and pass names switched off
  std::vector<std::string> keep_nodes;  // --keep NODE: nodes by name that no rewrite removes
  bool keep_overridable = false;
  std::vector<RewriteEvent> events;  // of millions of rewrites the first 100,000: a report needs the counts of all, not every name
  std::map<std::string, RuleTotal, std::less<>> totals;  // of all rewrites, by rule or pass
  const ExplainRequest* explain = nullptr;
  std::vector<std::string> explanations;
  std::size_t rewrites = 0;                 // committed so far (take_fuel counts)
  std::vector<std::string> dropped_inputs;  // initializers listed as inputs that were rewritten away with their input entry
  std::vector<std::string> notes;           // what the report should say: a fixpoint cut short, a fold that failed
  bool time_rules = false;                  // --time-passes: tries, hits and time of each rule
  std::map<std::string, RuleStats, std::less<>> rule_stats;
  std::map<std::string, int, std::less<>> runs;  // of passes and rules by name, for --disable=name@n
  // Books a committed rewrite: its total, and the event itself while there is room.
  void record(RewriteEvent event);
  // Asks before each commit, of rules and whole-graph passes alike; counts it too.
  bool take_fuel() {
    if (fuel == 0) return false;
    if (fuel > 0) --fuel;
    ++rewrites;
    return true;
  }
  bool is_disabled(std::string_view name) const;  // by --disable=name, every run
  bool begin_run(std::string_view name);          // counts a run of this pass or rule; false: disabled, for good or this time (name@n)
  bool is_kept(const Node& n) const;              // --keep
};

class Pass {
 public:
  virtual ~Pass() = default;
  virtual bool run(Graph& graph, PassContext& ctx) = 0;  // one root graph (main or function body); passes enter subgraphs themselves
};

struct PassEntry {
  std::string_view name, summary;
  std::unique_ptr<Pass> (*create)();
  Level level = Level::o1;
};
std::span<const PassEntry> graph_passes();  // passes/core/table.cpp, by hand, sorted by name

}  // namespace onnxopt
