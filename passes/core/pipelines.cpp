// What -O1, -O2 and -O3 run. The levels of the rules decide which of them take part; the text says only in what order.
#include "passes/core/manager.h"

namespace onnxopt {

std::string default_pipeline(Level level) {
  // Dead code goes first, so that nothing is folded for nobody; equal constants are one before equal nodes are looked for.
  static constexpr const char* kCleanup =
      "lift-constants,fixpoint(remove-dead,remove-unused-branch-outputs,cleanup,inline-constant-if,inline-short-loop,hoist-invariants,"
      "dedup-initializers,dedup-nodes,dedup-shape-values)";
  // Fusions see a clean graph: what they look for is not hidden behind shape arithmetic and copies.
  static constexpr const char* kFusions = ",fixpoint(fusions,push-transposes,remove-dead,dedup-initializers,dedup-nodes,dedup-shape-values)";
  static constexpr const char* kBigFusions = ",fixpoint(fuse-rotary-embedding,cleanup,remove-dead,dedup-initializers,dedup-nodes,dedup-shape-values)";
  if (level == Level::o1) return std::string(kCleanup) + ",remove-dead";
  return std::string(kCleanup) + kFusions + (level == Level::o3 ? kBigFusions : "") + ",remove-dead";
}

}  // namespace onnxopt
