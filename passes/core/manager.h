// PassManager: runs a pipeline given as text, e.g. "fixpoint(fold-constants, fusions, remove-dead)", with instruments around every pass.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "passes/core/pass.h"

namespace onnxopt {

struct PassRun { std::string name; bool changed = false; std::size_t rewrites = 0, nodes_before = 0, nodes_after = 0; double ms = 0; };

// Around each pass. Built in: timer, --print-after, --dump-dir, --verify-each, --check-each.
class Instrument {
 public:
  virtual ~Instrument() = default;
  virtual void before(std::string_view pass, Graph&) { (void)pass; }
  virtual void after(std::string_view pass, Graph&, bool changed) { (void)pass; (void)changed; }
};

std::string default_pipeline(Level level);             // "O1", "O2", "O3" expand to these texts

class PassManager {
 public:
  explicit PassManager(std::span<const PassEntry> known);
  PassManager& add(std::string_view pipeline);         // Error(usage) naming an unknown pass and its nearest neighbours
  PassManager& observe(std::unique_ptr<Instrument>);
  std::vector<PassRun> run(Model& model, PassContext& ctx);   // main graph and every function body

 private:
  struct Step;
  std::vector<PassEntry> known_;
  std::vector<std::shared_ptr<Step>> steps_;
  std::vector<std::unique_ptr<Instrument>> instruments_;
};

}  // namespace onnxopt
