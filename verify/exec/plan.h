// The plan of one graph: a kernel a node, a slot a value, and which slots to release after which node. Subgraphs and local functions have plans of
// their own, held by the step that runs them. A plan is never run recursively (ONNX has no recursion), so it owns its one frame of values.
#pragma once

#include <chrono>
#include <memory>
#include <unordered_map>
#include <vector>

#include "verify/exec/kernel_index.h"

namespace onnxopt {

// What all plans of one executor share.
struct PlanContext {
  Model& model;
  const ExecOptions& options;
  KernelIndex index;
  std::vector<Executor::Unsupported> unsupported;
  std::vector<const Function*> call_stack;  // while planning: refuses recursion
  const Executor::Tap* tap = nullptr;       // while running
  std::chrono::steady_clock::time_point deadline;
};

class Plan {
 public:
  // `bound`: the values that attribute references resolve to inside a function body; null in the main graph. `outer`: of the enclosing graph.
  Plan(PlanContext& context, Graph& graph, const Attrs* bound, Plan* outer);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  std::vector<RtValue> run(std::vector<RtValue> inputs);

 private:
  static constexpr int kNoSlot = -1;
  struct Step {
    const Node* node = nullptr;
    RunFn run;  // empty: no kernel
    std::vector<int> in, out, release;
    std::unique_ptr<Attrs> resolved;  // attributes, where some referred to the caller's
    std::unique_ptr<Plan> function;
  };
  struct Capture {
    const Value* value;
    int slot;
  };

  void add_step(Node& node);
  void prepare(Step& step, Node& node);
  void plan_releases(const std::vector<int>& last_step);
  int slot_of(const Value& v);  // makes a capture of an outer value on first sight
  void check_deadline(const Node* next) const;
  void run_step(const Step& step);
  void load_captures();
  RtValue outer_value(const Value& v) const;
  void clear_frame();

  PlanContext& context_;
  Graph& graph_;
  const Attrs* bound_;
  Plan* outer_;
  ExecEnv env_;
  std::unordered_map<const Value*, int> slots_;
  std::vector<RtValue> frame_;
  std::vector<bool> constant_slot_;
  std::vector<Capture> captures_;
  std::vector<Step> steps_;
  std::vector<int> inputs_, outputs_;
  std::unordered_map<const Graph*, std::unique_ptr<Plan>> subgraphs_;  // looked up only
  std::vector<int> pending_uses_;                                      // while planning: outer slots that the current node's subgraphs read
};

}  // namespace onnxopt
