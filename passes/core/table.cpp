// All whole-graph passes, by hand, sorted by name. Each is created by a function in the file of its name.
#include "passes/core/pass.h"

namespace onnxopt {

std::unique_ptr<Pass> dedup_initializers();
std::unique_ptr<Pass> dedup_nodes();
std::unique_ptr<Pass> dedup_shape_values();
std::unique_ptr<Pass> fuse_rotary_embedding();
std::unique_ptr<Pass> hoist_invariants();
std::unique_ptr<Pass> inline_constant_if();
std::unique_ptr<Pass> inline_functions();
std::unique_ptr<Pass> inline_short_loop();
std::unique_ptr<Pass> lift_constants();
std::unique_ptr<Pass> lower_contrib_pass();
std::unique_ptr<Pass> push_transposes();
std::unique_ptr<Pass> remove_dead();
std::unique_ptr<Pass> remove_unused_branch_outputs();

std::span<const PassEntry> graph_passes() {
  static constexpr PassEntry kPasses[] = {
      {"dedup-initializers", "Keep one of several equal constants", dedup_initializers},
      {"dedup-nodes", "Compute common subexpressions once", dedup_nodes},
      {"dedup-shape-values", "Read equal dims once, however they are computed", dedup_shape_values},
      {"fuse-rotary-embedding", "Rotary position embeddings, spelled out, to RotaryEmbedding", fuse_rotary_embedding, Level::o3},
      {"hoist-invariants", "Compute once, in front of a loop, what every turn computes anew", hoist_invariants},
      {"inline-constant-if", "Replace If by the branch that is taken", inline_constant_if},
      {"inline-functions", "Replace calls of local functions by their bodies", inline_functions},
      {"inline-short-loop", "Replace Loop that runs once or never", inline_short_loop},
      {"lift-constants", "Make Constant nodes initializers", lift_constants},
      {"lower-contrib", "Replace operators of com.microsoft by standard ones", lower_contrib_pass, Level::o2},
      {"push-transposes", "Move Transposes through operators where fewer are left then", push_transposes, Level::o2},
      {"remove-dead", "Remove nodes, outputs, initializers and functions that nobody uses", remove_dead},
      {"remove-unused-branch-outputs", "Drop outputs of If, Loop and Scan that nobody reads, and idle state", remove_unused_branch_outputs},
  };
  return kPasses;
}

}  // namespace onnxopt
