// Finds the first rewrite that breaks a model, by running the passes again with less and less fuel.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "passes/core/manager.h"

namespace onnxopt {

struct BisectTask {
  std::function<std::unique_ptr<Model>()> load;  // the original, anew each time
  std::function<bool(Model&)> good;              // does the rewritten model still pass?
  std::span<const PassEntry> passes;
  std::string pipeline;
  PassContext context;  // as at the start of the run to be searched
  std::function<void(std::int64_t fuel, bool good)> progress = {};
};

struct BisectResult {
  std::int64_t rewrites = 0;   // of the whole run
  std::int64_t first_bad = 0;  // --fuel=first_bad is bad, --fuel=first_bad-1 is good; 0: nothing found
  RewriteEvent culprit;
  std::string verdict;  // one line for people
};

BisectResult bisect(const BisectTask& task);
// The search alone: the lowest n in 1..total with !good(n), given that good(0) and !good(total).
std::int64_t first_bad_fuel(std::int64_t total, const std::function<bool(std::int64_t)>& good);

}  // namespace onnxopt
