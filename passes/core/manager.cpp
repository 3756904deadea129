#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "ir/core/check.h"
#include "passes/core/graph_hash.h"
#include "passes/core/manager_step.h"

namespace onnxopt {
namespace {

// Turns of a fixpoint that are not worth looking for a cycle.
constexpr int kTurnsBeforeHashing = 3;

std::size_t nodes_in(Model& model) {
  std::size_t count = 0;
  for (const Graph* g : model.root_graphs()) count += total_nodes(*g);
  return count;
}

std::string where_of(const Graph& g) { return g.function() ? fmt::format(" in function {}", g.function()->name) : ""; }

}  // namespace

PassManager::PassManager(std::span<const PassEntry> known) : known_(known.begin(), known.end()) {}
PassManager::~PassManager() = default;
PassManager::PassManager(PassManager&&) noexcept = default;

PassManager& PassManager::observe(std::unique_ptr<Instrument> instrument) {
  instruments_.push_back(std::move(instrument));
  return *this;
}

PassManager& PassManager::set(const ManagerOptions& options) {
  options_ = options;
  return *this;
}

std::vector<PassRun> PassManager::run(Model& model, PassContext& ctx) {
  ctx.model = &model;
  run_count_ = 0;
  settled_.clear();
  std::vector<PassRun> runs;
  for (const auto& step : steps_) run_step(*step, model, ctx, runs);
  return runs;
}

bool PassManager::run_step(Step& step, Model& model, PassContext& ctx, std::vector<PassRun>& runs) {
  if (step.fixpoint) return run_fixpoint(step, model, ctx, runs);
  if (step.pass) return run_pass(step, model, ctx, runs);
  bool changed = false;
  for (const auto& child : step.children) changed |= run_step(*child, model, ctx, runs);
  return changed;
}

bool PassManager::run_fixpoint(Step& step, Model& model, PassContext& ctx, std::vector<PassRun>& runs) {
  std::set<std::uint64_t> seen;
  for (int turn = 1;; ++turn) {
    bool changed = false;
    for (const auto& child : step.children) changed |= run_step(*child, model, ctx, runs);
    if (!changed) return turn > 1;
    if (turn == options_.max_fixpoint) {
      ctx.notes.push_back(fmt::format("a fixpoint was cut short after {} turns; the last to change the model was {}", turn, current_));
      return true;
    }
    if (turn > kTurnsBeforeHashing && !seen.insert(model_hash(model)).second) {
      ctx.notes.push_back(
          fmt::format("a fixpoint runs in a circle and was stopped after {} turns; the last to change the model was {}", turn, current_));
      return true;
    }
  }
}

bool PassManager::run_pass(Step& step, Model& model, PassContext& ctx, std::vector<PassRun>& runs) {
  if (run_count_ >= options_.stop_before_run || ctx.fuel == 0) return false;
  const auto settled = settled_.find(step.name);
  if (settled != settled_.end() && settled->second == version_) return false;
  if (!ctx.begin_run(step.name)) return false;
  current_ = step.name;
  PassRun record{.name = step.name};
  record.nodes_before = runs.empty() ? nodes_in(model) : runs.back().nodes_after;
  const std::size_t rewrites = ctx.rewrites;
  const auto start = std::chrono::steady_clock::now();
  // The main graph comes first; a pass on it may remove functions, so the list is read again each time.
  for (std::size_t i = 0; i < model.root_graphs().size(); ++i) record.changed |= run_on(step, *model.root_graphs()[i], ctx);
  if (record.changed) model.collect();
  record.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  if (record.changed && ctx.rewrites == rewrites) {  // a pass that does not count its changes: one in all, so that bisect finds it
    ctx.take_fuel();
    ctx.record({.rule = step.name, .node = {}, .from_nodes = {}});
  }
  record.rewrites = ctx.rewrites - rewrites;
  record.nodes_after = record.changed ? nodes_in(model) : record.nodes_before;
  if (record.changed) ++version_;
  else settled_[step.name] = version_;
  runs.push_back(record);
  ++run_count_;
  return record.changed;
}

bool PassManager::run_on(Step& step, Graph& graph, PassContext& ctx) {
  for (const auto& i : instruments_) i->before(step.name, graph);
  const std::uint64_t before = options_.verify_each ? graph_hash(graph) : 0;
  bool changed = false;
  const std::string name = fmt::format("pass {}{}", step.name, where_of(graph));
  try {
    changed = step.pass->run(graph, ctx);
    if (options_.verify_each) {
      for (const Finding& f : check(graph))  // what breaks a schema only may have been in the file
        if (f.broken) throw InternalError(fmt::format("left a broken graph: {}: {}", f.where, f.what));
      if ((graph_hash(graph) != before) != changed)
        throw InternalError(changed ? "says it changed the graph and did not" : "changed the graph and does not say so");
    }
  } catch (const InternalError& e) {
    throw InternalError(fmt::format("{}: {}", name, e.what()));
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("{}: {}", name, e.what()));
  }
  for (const auto& i : instruments_) i->after(step.name, graph, changed);
  return changed;
}

}  // namespace onnxopt
