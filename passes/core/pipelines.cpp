// What -O1, -O2 and -O3 run. The levels of the rules decide which of them take part; the text says only in what order.
#include "passes/core/manager.h"

namespace onnxopt {

std::string default_pipeline(Level level) {
  switch (level) {
    case Level::o1: return "fixpoint(cleanup)";
    case Level::o2: return "fixpoint(cleanup,fusions)";
    case Level::o3: return "fixpoint(cleanup,fusions)";
  }
  return "";
}

}  // namespace onnxopt
