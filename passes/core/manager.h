// PassManager: runs a pipeline given as text, e.g. "fixpoint(fold-constants, fusions, remove-dead)", with instruments around every pass.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "passes/core/pass.h"

namespace onnxopt {

// One step of the pipeline, over all root graphs.
struct PassRun {
  std::string name;
  bool changed = false;
  std::size_t rewrites = 0, nodes_before = 0, nodes_after = 0;
  double ms = 0;
};

// Around each pass on each root graph. Built in: passes/core/instruments.h.
class Instrument {
 public:
  virtual ~Instrument() = default;
  virtual void before(std::string_view pass, Graph&) { (void)pass; }
  virtual void after(std::string_view pass, Graph&, bool changed) {
    (void)pass;
    (void)changed;
  }
};

std::string default_pipeline(Level level);  // "O1", "O2", "O3" expand to these texts

// What a pipeline may name, for `onnxopt passes`: passes, rules, node rules, groups ("cleanup", "fusions"), levels.
struct CatalogEntry {
  std::string name, kind, summary;
  Level level;
};
std::vector<CatalogEntry> pipeline_names(std::span<const PassEntry> passes);
// Names of the rules in a group, sorted: "fusions" is every rule, "cleanup" those whose name does not begin with "fuse-".
std::vector<std::string> rules_of_group(std::string_view group);

struct ManagerOptions {
#ifdef NDEBUG
  bool verify_each = false;  // IR verifier and honesty check (graph hash) after every pass
#else
  bool verify_each = true;
#endif
  int max_fixpoint = 25;                   // turns of a fixpoint() before it is cut short with a note
  std::size_t stop_before_run = SIZE_MAX;  // run only the first so many steps; for reproducers
};

class PassManager {
 public:
  explicit PassManager(std::span<const PassEntry> known);
  ~PassManager();
  PassManager(PassManager&&) noexcept;
  PassManager& add(std::string_view pipeline);  // Error(usage) naming an unknown pass and its nearest neighbours
  PassManager& observe(std::unique_ptr<Instrument>);
  PassManager& set(const ManagerOptions& options);
  // Main graph and every function body. An InternalError names the pass; run_count() then is the number of the step that failed, from 0.
  std::vector<PassRun> run(Model& model, PassContext& ctx);
  std::size_t run_count() const { return run_count_; }
  const std::string& current_pass() const { return current_; }
  const std::string& text() const { return text_; }  // the pipeline as it was added

 private:
  struct Step;
  bool run_step(Step& step, Model& model, PassContext& ctx, std::vector<PassRun>& runs);
  bool run_fixpoint(Step& step, Model& model, PassContext& ctx, std::vector<PassRun>& runs);
  bool run_pass(Step& step, Model& model, PassContext& ctx, std::vector<PassRun>& runs);
  bool run_on(Step& step, Graph& graph, PassContext& ctx);
  std::unique_ptr<Step> parse_item(std::string_view text, std::size_t& at, int depth) const;
  std::unique_ptr<Step> make_step(const std::string& name, int depth) const;

  std::vector<PassEntry> known_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<std::unique_ptr<Instrument>> instruments_;
  ManagerOptions options_;
  std::size_t run_count_ = 0;
  std::size_t version_ = 0;                                  // of the model: grows with each change
  std::map<std::string, std::size_t, std::less<>> settled_;  // version at which a pass last found nothing to do: no need to ask again
  std::string current_, text_;
};

}  // namespace onnxopt
