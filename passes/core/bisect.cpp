#include "passes/core/bisect.h"

#include <fmt/format.h>

namespace onnxopt {
namespace {

struct Trial {
  bool good;
  std::int64_t rewrites;
  RewriteEvent last;
};

Trial run_with_fuel(const BisectTask& task, std::int64_t fuel) {
  auto model = task.load();
  PassContext ctx = task.context;
  ctx.fuel = fuel;
  PassManager(task.passes).add(task.pipeline).run(*model, ctx);
  Trial t{task.good(*model), static_cast<std::int64_t>(ctx.rewrites), {}};
  if (!ctx.events.empty()) t.last = ctx.events.back();
  if (task.progress) task.progress(fuel, t.good);
  return t;
}

}  // namespace

std::int64_t first_bad_fuel(std::int64_t total, const std::function<bool(std::int64_t)>& good) {
  std::int64_t low = 0, high = total;  // low is good, high is bad
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (good(middle) ? low : high) = middle;
  }
  return high;
}

BisectResult bisect(const BisectTask& task) {
  BisectResult r;
  const Trial whole = run_with_fuel(task, task.context.fuel);
  r.rewrites = whole.rewrites;
  if (whole.good) {
    r.verdict = fmt::format("nothing to find: the model is good after all {} rewrites", r.rewrites);
    return r;
  }
  if (!run_with_fuel(task, 0).good) {
    r.verdict = "the model is bad without any rewrite: look at reading, lifting or the check itself";
    return r;
  }
  r.first_bad = first_bad_fuel(r.rewrites, [&](std::int64_t fuel) { return run_with_fuel(task, fuel).good; });
  r.culprit = run_with_fuel(task, r.first_bad).last;
  r.verdict = fmt::format("rewrite {} of {} is the first bad one: {} at {} (from {}). Next: --disable={}, or --fuel={} for the last good model",
                          r.first_bad, r.rewrites, r.culprit.rule, r.culprit.node.empty() ? "the graph" : r.culprit.node,
                          fmt::join(r.culprit.from_nodes, ", "), r.culprit.rule, r.first_bad - 1);
  return r;
}

}  // namespace onnxopt
