// The outcome of a check, as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "verify/compare/verify_models.h"

namespace onnxopt {

nlohmann::json verification_json(const VerifyReport& v);

}  // namespace onnxopt
