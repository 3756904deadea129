// Functions that are x itself above zero and something else below, as exporters spell them: with Where, or as a sum of what either side gives.
#pragma once

#include <string>
#include <string_view>

#include "passes/rewrite/rule.h"

namespace onnxopt {

// Alternatives for y, one for each spelling. `below`: pattern lines that compute from x what holds below zero; `value`: its name. In the sums, which
// have a node `n`, `value` must have the sign of x.
std::string two_sided(std::string_view below, std::string_view value);

// Alternatives for y = x above zero and its product with a slope below: sloped_factor times `a`.
const std::string& sloped_pattern();
double sloped_factor(const Match& m);

}  // namespace onnxopt
