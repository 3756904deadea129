// What -O1, -O2 and -O3 run. The levels of the rules decide which of them take part; the text says only in what order.
#include "passes/core/manager.h"

namespace onnxopt {

std::string default_pipeline(Level level) {
  // Dead code goes first, so that nothing is folded for nobody; equal constants are one before equal nodes are looked for.
  static constexpr const char* kCleanup = "lift-constants,fixpoint(remove-dead,cleanup,inline-constant-if,inline-short-loop,dedup-initializers,dedup-nodes,dedup-shape-values,remove-dead)";
  static constexpr const char* kAll =
      "lift-constants,fixpoint(remove-dead,cleanup,inline-constant-if,inline-short-loop,dedup-initializers,dedup-nodes,dedup-shape-values,remove-dead),"
      "fixpoint(fusions,dedup-initializers,dedup-nodes,dedup-shape-values,remove-dead)";
  switch (level) {
    case Level::o1: return kCleanup;
    case Level::o2: return kAll;
    case Level::o3: return kAll;
  }
  return "";
}

}  // namespace onnxopt
