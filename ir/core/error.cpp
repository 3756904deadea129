#include "ir/core/error.h"

#include <fmt/format.h>

namespace onnxopt {

void check_failed(const char* condition, const std::string& message, const char* file, int line) {
  throw InternalError(fmt::format("{} ({}:{}: {})", message, file, line, condition));
}

}  // namespace onnxopt
