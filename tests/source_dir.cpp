#include "tests/source_dir.h"

namespace onnxopt::test {

std::string source_dir() { return ONNXOPT_SOURCE_DIR; }

}  // namespace onnxopt::test
