#include <algorithm>

#include "verify/compare/verify_models.h"

namespace onnxopt {

std::string_view verdict_text(Verdict v) {
  switch (v) {
    case Verdict::verified: return "verified";
    case Verdict::partly_verified: return "partly verified";
    case Verdict::differs: return "differs";
    default: return "not verified";
  }
}

bool VerifyReport::trusted() const {
  return verdict == Verdict::verified && std::all_of(outputs.begin(), outputs.end(), [](const ValueDiff& d) { return d.trusted(); });
}

}  // namespace onnxopt
