#include "ir/core/error.h"

#include <fmt/format.h>

namespace onnxopt {

void check_failed(const char* condition, const std::string& message, std::source_location where) {
  throw InternalError(fmt::format("{} ({}:{}: {})", message, where.file_name(), where.line(), condition));
}

}  // namespace onnxopt
