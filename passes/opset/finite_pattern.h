// Regular expressions that match a few strings only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onnxopt {

// All strings that `pattern` matches as a whole, sorted: literals, classes of ASCII characters, alternatives, groups, "?" and counted repetition.
// None: there are more than 4096, or the pattern has something else.
std::optional<std::vector<std::string>> strings_of_pattern(std::string_view pattern);

}  // namespace onnxopt
